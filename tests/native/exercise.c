/*
 * Calls every function of the extension's C sources, for the sanitizers to watch.
 *
 * Each buffer is a heap block of exactly its size, so that one byte too many is seen. The answers
 * are checked against one another only: whether they are the right ones is for the Python tests.
 */
#include "check.h"
#include "crc32c.h"
#include "curve.h"
#include "digest.h"
#include "gost28147.h"
#include "hkdf.h"
#include "mgm.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST 300

static uint8_t *buffer(size_t size)
{
    uint8_t *bytes = malloc(size);
    CHECK(bytes != NULL || size == 0);
    return bytes;
}

static uint8_t *filled(size_t size, unsigned seed)
{
    uint8_t *bytes = buffer(size);
    fill(bytes, size, seed);
    return bytes;
}

static uint8_t *copied(const uint8_t *from, size_t size)
{
    uint8_t *bytes = buffer(size);
    if (size > 0)
        memcpy(bytes, from, size);
    return bytes;
}

static int same(const uint8_t *left, const uint8_t *right, size_t size)
{
    return size == 0 || memcmp(left, right, size) == 0;
}

static int all_zeros(const uint8_t *bytes, size_t size)
{
    while (size--)
        if (bytes[size] != 0)
            return 0;
    return 1;
}

static void exercise_wiping(void)
{
    for (size_t size = 0; size <= 40; size++) {
        uint8_t *secret = filled(size, 1);
        gost_wipe(secret, size);
        CHECK(all_zeros(secret, size));
        free(secret);
    }
}

static void exercise_checksum(void)
{
    for (size_t size = 0; size <= 40; size++) {
        uint8_t *data = filled(size, 25);
        uint32_t checksum = crc32c(data, size);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            CHECK(crc32c(data, size) != checksum);
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        free(data);
    }
}

static void exercise_blocks(void)
{
    /* Numbers above 15, which Python refuses, must not reach over the tables either. */
    uint8_t *key = filled(GOST28147_KEY_SIZE, 2), *sbox = filled(GOST28147_SBOX_SIZE, 3);
    gost28147 *cipher = gost28147_new(key, sbox);
    CHECK(cipher != NULL);
    for (size_t blocks = 0; blocks <= 37; blocks++) {
        size_t size = blocks * GOST28147_BLOCK_SIZE;
        uint8_t *plain = filled(size, 4), *sealed = buffer(size), *opened = buffer(size);
        uint8_t *in_place = copied(plain, size);
        gost28147_encrypt_blocks(cipher, plain, blocks, sealed);
        gost28147_decrypt_blocks(cipher, sealed, blocks, opened);
        CHECK(same(plain, opened, size));
        gost28147_encrypt_blocks(cipher, in_place, blocks, in_place);
        CHECK(same(in_place, sealed, size));
        gost28147_decrypt_blocks(cipher, in_place, blocks, in_place);
        CHECK(same(in_place, plain, size));
        free(plain);
        free(sealed);
        free(opened);
        free(in_place);
    }
    gost28147_free(cipher);
    gost28147_free(NULL);
    free(key);
    free(sbox);
}

static void refuse(const magma_mgm *mgm, const uint8_t *nonce, const uint8_t *associated,
                   size_t associated_size, const uint8_t *sealed, size_t size, const uint8_t *tag)
{
    uint8_t *out = filled(size, 5);
    CHECK(!magma_mgm_open(mgm, nonce, associated, associated_size, sealed, size, tag, out));
    CHECK(all_zeros(out, size));
    free(out);
}

static void refuse_altered(const magma_mgm *mgm, const uint8_t *nonce, uint8_t *associated,
                           size_t associated_size, uint8_t *sealed, size_t size, uint8_t *tag)
{
    uint8_t *parts[] = {tag, sealed, associated};
    size_t sizes[] = {MGM_TAG_SIZE, size, associated_size};
    for (unsigned part = 0; part < 3; part++) {
        size_t step = sizes[part] / 3 + 1;
        for (size_t at = 0; at < sizes[part]; at += step) {
            parts[part][at] ^= 0x10;
            refuse(mgm, nonce, associated, associated_size, sealed, size, tag);
            parts[part][at] ^= 0x10;
        }
    }
    if (size > 0)
        refuse(mgm, nonce, associated, associated_size, sealed, size - 1, tag);
    if (associated_size > 0)
        refuse(mgm, nonce, associated, associated_size - 1, sealed, size, tag);
}

static void exercise_message(const magma_mgm *mgm, const uint8_t *nonce, size_t associated_size,
                             size_t size)
{
    uint8_t *associated = filled(associated_size, 6), *plain = filled(size, 7);
    uint8_t *sealed = buffer(size), *opened = buffer(size), *in_place = copied(plain, size);
    uint8_t *tag = buffer(MGM_TAG_SIZE), *other_tag = buffer(MGM_TAG_SIZE);
    magma_mgm_seal(mgm, nonce, associated, associated_size, plain, size, sealed, tag);
    CHECK(magma_mgm_open(mgm, nonce, associated, associated_size, sealed, size, tag, opened));
    CHECK(same(opened, plain, size));
    magma_mgm_seal(mgm, nonce, associated, associated_size, in_place, size, in_place, other_tag);
    CHECK(same(in_place, sealed, size) && same(tag, other_tag, MGM_TAG_SIZE));
    CHECK(magma_mgm_open(mgm, nonce, associated, associated_size, in_place, size, tag, in_place));
    CHECK(same(in_place, plain, size));
    refuse_altered(mgm, nonce, associated, associated_size, sealed, size, tag);
    free(associated);
    free(plain);
    free(sealed);
    free(opened);
    free(in_place);
    free(tag);
    free(other_tag);
}

static void exercise_messages(void)
{
    uint8_t *key = filled(MGM_KEY_SIZE, 8), *nonce = filled(MGM_NONCE_SIZE, 9);
    uint8_t *block = filled(GOST28147_BLOCK_SIZE, 10), *out = buffer(GOST28147_BLOCK_SIZE);
    magma_mgm *mgm = magma_mgm_new(NULL, key);
    CHECK(mgm != NULL);
    nonce[0] &= 0x7f;
    for (size_t size = 0; size <= LONGEST; size++)
        exercise_message(mgm, nonce, size % 18 + (size == 0), size);
    for (size_t associated_size = 1; associated_size <= LONGEST; associated_size++)
        exercise_message(mgm, nonce, associated_size, associated_size % 10);
    magma_encrypt_block(mgm, block, out);
    magma_encrypt_block(mgm, block, block);
    CHECK(same(block, out, GOST28147_BLOCK_SIZE));
    magma_mgm_free(mgm);
    magma_mgm_free(NULL);
    free(key);
    free(nonce);
    free(block);
    free(out);
}

static void exercise_digest(const char *kernel)
{
    for (size_t size = 0; size <= LONGEST; size++) {
        uint8_t *data = filled(size, 11);
        uint8_t *whole = buffer(GOST_DIGEST_SIZE), *split = buffer(GOST_DIGEST_SIZE);
        gost_digest *digest = gost_digest_new(kernel);
        CHECK(digest != NULL);
        gost_digest_update(digest, data, size / 3);
        gost_digest *twin = gost_digest_copy(digest);
        CHECK(twin != NULL);
        gost_digest_update(digest, data + size / 3, size - size / 3);
        CHECK(gost_digest_final(digest, whole));
        CHECK(gost_digest_of(kernel, data, size, split) && same(whole, split, GOST_DIGEST_SIZE));
        for (size_t at = size / 3; at < size; at++)
            gost_digest_update(twin, data + at, 1);
        CHECK(gost_digest_final(twin, split));
        CHECK(same(whole, split, GOST_DIGEST_SIZE));
        gost_digest_free(digest);
        gost_digest_free(twin);
        CHECK(gost_hmac(kernel, data, size, data, size, split));
        CHECK(!same(whole, split, GOST_DIGEST_SIZE));
        free(data);
        free(whole);
        free(split);
    }
}

static void exercise_digests(void)
{
    const char *names[8];
    size_t count = gost_digest_kernels(names, 8);
    CHECK(count > 0 && gost_digest_kernels(names, 0) == 0);
    for (size_t i = 0; i < count; i++)
        exercise_digest(names[i]);
    exercise_digest(NULL);
    uint8_t *out = buffer(GOST_DIGEST_SIZE);
    CHECK(gost_digest_new("none") == NULL);
    CHECK(!gost_digest_of("none", out, 0, out));
    CHECK(!gost_hmac("none", out, 0, out, 0, out));
    CHECK(gost_digest_foreign("STRIBOG256", out, 0, out));
    CHECK(!gost_digest_foreign("none", out, 0, out) && !gost_digest_foreign("MD5", out, 0, out));
    free(out);
    gost_digest_free(NULL);
}

/* Two labels of label_size bytes, of which the second is cut by `cut` bytes. */
static void exercise_labels(size_t label_size, size_t context_size, size_t out_size, size_t cut)
{
    uint8_t *secret = filled(HKDF_SECRET_SIZE, 21), *context = filled(context_size, 22);
    size_t entry = 2 + label_size, size = 2 * entry - cut;
    uint8_t *two = filled(2 * entry, 23), *out = buffer(2 * out_size);
    two[0] = two[entry] = (uint8_t)out_size;
    two[1] = two[entry + 1] = (uint8_t)label_size;
    uint8_t *labels = copied(two, size);
    int fits = cut == 0 && context_size <= HKDF_MOST;
    CHECK(hkdf_expand_labels(secret, labels, size, context, context_size, out, 2 * out_size) ==
          fits);
    if (out_size > 0)
        CHECK(!hkdf_expand_labels(secret, labels, size, context, context_size, out,
                                  2 * out_size - 1));
    free(secret);
    free(context);
    free(two);
    free(out);
    free(labels);
}

static void exercise_hkdf(void)
{
    for (size_t size = 0; size <= HKDF_MOST; size += 51) {
        exercise_labels(size, HKDF_MOST - size, size, 0);
        exercise_labels(size, HKDF_MOST, 32, 0);
        exercise_labels(size, HKDF_MOST + 1, 32, 0);
        exercise_labels(size, 0, HKDF_MOST, 1);
        exercise_labels(size, 32, 32, size + 1);
    }
    exercise_labels(HKDF_MOST, HKDF_MOST, HKDF_MOST, 0);
}

static void exercise_signature(const char *curve, const uint8_t *d, const uint8_t *point)
{
    uint8_t *e = filled(32, 12), *k = filled(32, 13), *signature = buffer(64);
    uint8_t *zeros = calloc(1, 64), *ones = buffer(64);
    CHECK(zeros != NULL);
    memset(ones, 0xff, 64);
    k[0] &= 0x0f;
    CHECK(gost_curve_sign(curve, d, e, k, signature));
    CHECK(gost_curve_verify(curve, point, e, signature));
    CHECK(!gost_curve_verify(curve, point, k, signature));
    gost_known_point *known = gost_curve_know(curve, point);
    CHECK(known != NULL && gost_curve_know(curve, zeros) == NULL);
    CHECK(gost_curve_verify_known(known, e, signature));
    CHECK(!gost_curve_verify_known(known, k, signature));
    for (unsigned at = 0; at < 64; at += 7) {
        signature[at] ^= 1;
        CHECK(!gost_curve_verify(curve, point, e, signature));
        CHECK(!gost_curve_verify_known(known, e, signature));
        signature[at] ^= 1;
    }
    CHECK(!gost_curve_verify_known(known, e, zeros));
    CHECK(!gost_curve_verify_known(known, e, ones));
    gost_curve_forget(known);
    gost_curve_forget(NULL);
    CHECK(!gost_curve_verify(curve, point, e, zeros));
    CHECK(!gost_curve_verify(curve, point, e, ones));
    free(e);
    free(k);
    free(signature);
    free(zeros);
    free(ones);
}

static void exercise_curve(const char *curve)
{
    uint8_t *d = filled(32, 14), *other_d = filled(32, 15), *ukm = filled(8, 16);
    uint8_t *one = calloc(1, 32), *base = buffer(64), *again = buffer(64);
    uint8_t *point = buffer(64), *other_point = buffer(64);
    uint8_t *shared = buffer(64), *other_shared = buffer(64);
    CHECK(one != NULL);
    one[31] = 1;
    d[0] &= 0x0f;
    other_d[0] = other_d[1] = 0;
    CHECK(gost_curve_multiply_base(curve, one, base));
    CHECK(gost_curve_multiply_base(curve, d, point));
    CHECK(gost_curve_multiply_base(curve, other_d, other_point));
    CHECK(gost_curve_multiply(curve, d, base, again) && same(again, point, 64));
    CHECK(gost_curve_multiply(curve, d, other_point, shared));
    CHECK(gost_curve_multiply(curve, other_d, point, other_shared));
    CHECK(same(shared, other_shared, 64));
    CHECK(gost_curve_agree(curve, d, ukm, other_point, shared));
    CHECK(gost_curve_agree(curve, other_d, ukm, point, other_shared));
    CHECK(same(shared, other_shared, 64));
    exercise_signature(curve, d, point);
    free(d);
    free(other_d);
    free(ukm);
    free(one);
    free(base);
    free(again);
    free(point);
    free(other_point);
    free(shared);
    free(other_shared);
}

static void exercise_no_curve(void)
{
    uint8_t *number = filled(32, 17), *point = buffer(64), *ukm = filled(8, 18);
    memset(point, 1, 64);
    CHECK(!gost_curve_multiply("no curve", number, point, point));
    CHECK(!gost_curve_multiply_base("no curve", number, point));
    CHECK(!gost_curve_agree("no curve", number, ukm, point, point));
    CHECK(!gost_curve_sign("no curve", number, number, number, point));
    CHECK(!gost_curve_verify("no curve", point, number, point));
    CHECK(gost_curve_know("no curve", point) == NULL);
    free(number);
    free(point);
    free(ukm);
}

int main(void)
{
    CHECK(gost_curve_initialize());
    CHECK(gost_curve_initialize());
    exercise_wiping();
    exercise_checksum();
    exercise_blocks();
    exercise_messages();
    exercise_digests();
    exercise_hkdf();
    exercise_curve("CryptoPro-A");
    exercise_curve("CryptoPro-B");
    exercise_curve("CryptoPro-C");
    exercise_no_curve();
    return 0;
}
