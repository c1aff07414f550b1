/*
 * Signs, agrees, makes public keys and MACs, encrypts and decrypts with numbers that valgrind takes
 * for undefined: a branch or an address that depends on one is an error. What leaves each function
 * counts as published.
 */
#include "curve.h"
#include "digest.h"
#include "group.h"
#include "stream.h"

#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#define SECRET(object) VALGRIND_MAKE_MEM_UNDEFINED(&(object), sizeof(object))
#define PUBLISHED(object) VALGRIND_MAKE_MEM_DEFINED(&(object), sizeof(object))

static int published(int answer)
{
    PUBLISHED(answer);
    return answer;
}

static int try_curve(const char *curve, const uint8_t fill)
{
    uint8_t d[32], k[32], e[32], ukm[8], point[64], other[64], signature[64];
    memset(d, fill, sizeof d);
    memset(k, fill ^ 0x1f, sizeof k);
    memset(e, 0x21, sizeof e);
    memset(ukm, 0x7e, sizeof ukm);
    SECRET(d);
    SECRET(k);
    if (!published(gost_curve_multiply_base(curve, k, other)))
        return 0;
    PUBLISHED(other);
    if (!published(gost_curve_multiply_base(curve, d, point)))
        return 0;
    PUBLISHED(point);
    if (!published(gost_curve_agree(curve, d, ukm, other, signature)) ||
        !published(gost_curve_multiply(curve, d, other, signature)) ||
        !published(gost_curve_sign(curve, d, e, k, signature)))
        return 0;
    PUBLISHED(signature);
    return gost_curve_verify(curve, point, e, signature);
}

static int try_group(const group *group)
{
    coordinates point, product;
    number secret = {{3, 5, 7, 9}}, one = {{1, 0, 0, 0}};
    group->multiply_base(&point, &one);
    SECRET(secret);
    group->multiply(&product, &secret, &point);
    group->multiply_base(&point, &secret);
    PUBLISHED(product);
    PUBLISHED(point);
    return memcmp(&point, &product, sizeof point) == 0;
}

/* A kernel of our own; valgrind runs none for AVX-512. libgcrypt looks secrets up in tables. */
static int try_digest(const char *kernel)
{
    uint8_t key[32], data[100], mac[32], again[32];
    memset(key, 0x5a, sizeof key);
    memset(data, 0xc3, sizeof data);
    SECRET(key);
    SECRET(data);
    if (!published(gost_hmac(kernel, key, sizeof key, data, sizeof data, mac)) ||
        !published(gost_hmac(kernel, data, sizeof data, key, sizeof key, again)))
        return 0;
    PUBLISHED(mac);
    PUBLISHED(again);
    return memcmp(mac, again, sizeof mac) != 0;
}

static int try_digests(void)
{
    const char *names[8];
    size_t count = gost_digest_kernels(names, 8);
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], "libgcrypt") != 0 && !try_digest(names[i]))
            return 0;
    return 1;
}

/* Both ways through a stream, over a change of the key and with a part of a batch at the end. */
static int try_stream(const char *kernel, unsigned sbox, unsigned mode)
{
    enum { BLOCKS = 200 };
    uint8_t key[STREAM_KEY_SIZE], iv[STREAM_IV_SIZE], text[STREAM_BLOCK * BLOCKS];
    gost_stream sealer, opener;
    memset(key, 0x4d, sizeof key);
    memset(iv, 0x71, sizeof iv);
    memset(text, 0xb8, sizeof text);
    SECRET(key);
    SECRET(iv);
    SECRET(text);
    if (!published(gost_stream_init(&sealer, kernel, sbox, mode, key, iv)) ||
        !published(gost_stream_init(&opener, kernel, sbox, mode, key, iv)))
        return 0;
    gost_stream_encrypt(&sealer, text, text, BLOCKS);
    gost_stream_decrypt(&opener, text, text, BLOCKS - 3);
    gost_stream_decrypt(&opener, text + STREAM_BLOCK * (BLOCKS - 3), text + STREAM_BLOCK * (BLOCKS - 3), 3);
    PUBLISHED(text);
    for (size_t i = 0; i < sizeof text; i++)
        if (text[i] != 0xb8)
            return 0;
    return 1;
}

/* Here, too, valgrind runs none for AVX-512. */
static int try_streams(void)
{
    const char *names[8];
    size_t count = kernel_names(names, 8);
    for (size_t i = 0; i < count; i++)
        for (unsigned sbox = 0; sbox < SBOXES; sbox++)
            for (unsigned mode = 0; mode < STREAM_MODES; mode++)
                if (!try_stream(names[i], sbox, mode))
                    return 0;
    return 1;
}

/* With an argument, the error that has to be found: a branch on a secret. */
static int leak(void)
{
    volatile uint8_t secret = 1;
    VALGRIND_MAKE_MEM_UNDEFINED(&secret, sizeof secret);
    return secret == 1 ? 0 : 2;
}

int main(int argc, char **argv)
{
    static const char *const curves[] = {"CryptoPro-A", "CryptoPro-B", "CryptoPro-C"};
    (void)argv;
    if (!RUNNING_ON_VALGRIND)
        return 3;
    if (argc > 1)
        return leak();
    for (int i = 0; i < 3; i++)
        if (!try_curve(curves[i], 0x35) || !try_curve(curves[i], 0x62))
            return 1;
    if (!try_group(&group_cryptopro_a) || !try_group(&group_cryptopro_b) ||
        !try_group(&group_cryptopro_c) || !try_digests() || !try_streams())
        return 1;
    puts("done");
    return 0;
}
