/*
 * Signs, agrees, makes public keys and MACs with numbers that valgrind takes for undefined: a branch
 * or an address that depends on one is an error. What leaves each function counts as published.
 */
#include "curve.h"
#include "digest.h"
#include "group.h"

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
        !try_group(&group_cryptopro_c) || !try_digests())
        return 1;
    puts("done");
    return 0;
}
