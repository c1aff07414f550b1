/*
 * AVX2 with PCLMULQDQ. The words of 32 blocks lie as planes, one register for each byte of the
 * word: then a register has one S-box for its low nibbles and one for its high ones, and a byte
 * shuffle looks all of them up. What the planes cost is an addition with carries by hand.
 */
#include "kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx2,pclmul")))
#define INLINE TARGET static inline __attribute__((always_inline))

#define BATCH 32

/*
 * The rotation by 11 is 8 + 3. The 8 is a change of plane; the 3 is in the tables: a low
 * nibble stays in its byte, a high one spreads over that byte and the next.
 */
enum { LOW, HIGH_HERE, HIGH_NEXT };

typedef struct {
    _Alignas(16) uint8_t byte[4][3][16];
} tables;

static tables shifted[SBOXES];

__attribute__((constructor)) static void shift_tables(void)
{
    for (int sbox = 0; sbox < SBOXES; sbox++)
        for (int i = 0; i < 4; i++)
            for (int value = 0; value < 16; value++) {
                unsigned low = sboxes[sbox][2 * i][value], high = sboxes[sbox][2 * i + 1][value];
                shifted[sbox].byte[i][LOW][value] = (uint8_t)(low << 3);
                shifted[sbox].byte[i][HIGH_HERE][value] = (uint8_t)(high << 7);
                shifted[sbox].byte[i][HIGH_NEXT][value] = (uint8_t)(high >> 1);
            }
}

INLINE __m256i look_up(const tables *t, int byte, int which, __m256i index)
{
    const __m128i *table = (const __m128i *)t->byte[byte][which];
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128(table)), index);
}

INLINE void add_key(__m256i sum[4], const __m256i word[4], uint32_t key)
{
    const __m256i one = _mm256_set1_epi8(1), ones = _mm256_set1_epi8(-1);
    __m256i carry = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        __m256i k = _mm256_set1_epi8((char)(key >> (8 * i)));
        __m256i plain = _mm256_add_epi8(word[i], k);
        sum[i] = _mm256_add_epi8(plain, carry);
        /* A carry comes out if the sum wrapped, or if it is 255 and a carry came in. */
        __m256i made = _mm256_min_epu8(_mm256_subs_epu8(k, plain), one);
        __m256i passed = _mm256_and_si256(_mm256_cmpeq_epi8(plain, ones), carry);
        carry = _mm256_or_si256(made, passed);
    }
}

/* target ^= rotated S-boxes of (source + key) */
INLINE void half_round(const tables *t, __m256i target[4], const __m256i source[4], uint32_t key)
{
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i sum[4];
    add_key(sum, source, key);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        __m256i low = _mm256_and_si256(sum[i], nibble);
        __m256i high = _mm256_and_si256(_mm256_srli_epi16(sum[i], 4), nibble);
        __m256i here = _mm256_xor_si256(look_up(t, i, LOW, low), look_up(t, i, HIGH_HERE, high));
        __m256i *same = &target[(i + 1) & 3], *next = &target[(i + 2) & 3];
        *same = _mm256_xor_si256(*same, here);
        *next = _mm256_xor_si256(*next, look_up(t, i, HIGH_NEXT, high));
    }
}

/*
 * Write the place of a byte as seven bits: three for the register, four for the place in its
 * half. One shuffle rotates these bits left by one. Four rotations bring the place in the
 * block to the front, that is, blocks to planes; three more bring all back to where it was.
 */
INLINE void rotate_places(__m256i v[8], int times)
{
    while (times--) {
        __m256i w[8];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            w[2 * i] = _mm256_unpacklo_epi8(v[i], v[i + 4]);
            w[2 * i + 1] = _mm256_unpackhi_epi8(v[i], v[i + 4]);
        }
        memcpy(v, w, sizeof w);
    }
}

TARGET static void encrypt_batch(const tables *t, const uint32_t round_key[8],
                                 const uint64_t in[BATCH], uint64_t out[BATCH])
{
    __m256i v[8], *low = v, *high = v + 4, swapped[8];
    for (int i = 0; i < 8; i++)
        v[i] = _mm256_loadu_si256((const __m256i *)(in + 4 * i));
    rotate_places(v, 4);
    for (unsigned round = 0; round < 32; round += 2) {
        half_round(t, high, low, magma_round_key(round_key, round));
        half_round(t, low, high, magma_round_key(round_key, round + 1));
    }
    /* The last round does not swap its halves: what is low now is the upper word. */
    memcpy(swapped, high, sizeof swapped / 2);
    memcpy(swapped + 4, low, sizeof swapped / 2);
    rotate_places(swapped, 3);
    for (int i = 0; i < 8; i++)
        _mm256_storeu_si256((__m256i *)(out + 4 * i), swapped[i]);
}

static void encrypt(sbox_name sbox, const uint32_t round_key[8], const uint64_t in[KERNEL_BLOCKS],
                    uint64_t out[KERNEL_BLOCKS])
{
    for (int i = 0; i < KERNEL_BLOCKS; i += BATCH)
        encrypt_batch(&shifted[sbox], round_key, in + i, out + i);
}

INLINE __m128i swap_bytes(__m128i x)
{
    return _mm_shuffle_epi8(x, _mm_set_epi64x(0x08090a0b0c0d0e0f, 0x0001020304050607));
}

/* Two blocks, or one when only one is left. */
INLINE __m128i load(const void *in, size_t blocks)
{
    return blocks > 1 ? _mm_loadu_si128(in) : _mm_loadl_epi64(in);
}

INLINE void crypt(int opening, product_sum *sum, const uint64_t *stream, const uint64_t *mask,
                  const uint8_t *in, uint8_t *out, size_t blocks)
{
    __m128i acc = _mm_setzero_si128();
    for (size_t i = 0; i < blocks; i += 2) {
        size_t left = blocks - i;
        __m128i text = swap_bytes(load(in + MAGMA_BLOCK * i, left));
        __m128i other = _mm_xor_si128(text, load(stream + i, left));
        __m128i factor = load(mask + i, left);
        __m128i ciphertext = opening ? text : other;
        if (left > 1)
            _mm_storeu_si128((__m128i *)(out + MAGMA_BLOCK * i), swap_bytes(other));
        else
            _mm_storel_epi64((__m128i *)(out + MAGMA_BLOCK * i), swap_bytes(other));
        /* With one block left, the upper factor is zero. */
        acc = _mm_xor_si128(acc, _mm_clmulepi64_si128(factor, ciphertext, 0x00));
        acc = _mm_xor_si128(acc, _mm_clmulepi64_si128(factor, ciphertext, 0x11));
    }
    sum->low ^= (uint64_t)_mm_cvtsi128_si64(acc);
    sum->high ^= (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(acc, acc));
}

TARGET static void seal(product_sum *sum, const uint64_t *stream, const uint64_t *mask,
                        const uint8_t *in, uint8_t *out, size_t blocks)
{
    crypt(0, sum, stream, mask, in, out, blocks);
}

TARGET static void open(product_sum *sum, const uint64_t *stream, const uint64_t *mask,
                        const uint8_t *in, uint8_t *out, size_t blocks)
{
    crypt(1, sum, stream, mask, in, out, blocks);
}

static int supported(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul");
}

const kernel kernel_avx2 = {"avx2", supported, encrypt, seal, open, &few_avx2};

#endif
