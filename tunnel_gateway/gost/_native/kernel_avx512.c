/*
 * AVX-512 with VBMI and VPCLMULQDQ. Sixteen words lie in a register, and the eight S-boxes in
 * two: a byte permute looks each nibble up in the table of its own byte of the word.
 */
#include "kernel.h"

#if defined(__x86_64__)

#include "nibbles.h"

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,vpclmulqdq,pclmul")))
#define INLINE TARGET static inline __attribute__((always_inline))

/* Registers of words in flight: enough to hide the latency of one behind the others. */
#define GROUPS 4

typedef struct {
    __m512i low_nibbles, high_nibbles, nibble, row;
} tables;

INLINE __m512i round_function(const tables *t, __m512i x)
{
    /* (x & nibble) | row: the index of a nibble in its own byte's quarter of the table. */
    const int and_or = 0xea;
    __m512i low = _mm512_ternarylogic_epi32(x, t->nibble, t->row, and_or);
    __m512i high = _mm512_ternarylogic_epi32(_mm512_srli_epi32(x, 4), t->nibble, t->row, and_or);
    __m512i y = _mm512_xor_si512(_mm512_permutexvar_epi8(low, t->low_nibbles),
                                 _mm512_permutexvar_epi8(high, t->high_nibbles));
    return _mm512_rol_epi32(y, 11);
}

INLINE void half_round(const tables *t, __m512i target[GROUPS], const __m512i source[GROUPS],
                       uint32_t key)
{
    __m512i k = _mm512_set1_epi32((int)key);
#pragma GCC unroll 4
    for (int i = 0; i < GROUPS; i++)
        target[i] = _mm512_xor_si512(
            target[i], round_function(t, _mm512_add_epi32(source[i], k)));
}

TARGET static void encrypt(sbox_name sbox, const uint32_t round_key[8],
                           const uint64_t in[KERNEL_BLOCKS], uint64_t out[KERNEL_BLOCKS])
{
    const tables t = {_mm512_load_si512(low_nibbles[sbox]), _mm512_load_si512(high_nibbles[sbox]),
                      _mm512_set1_epi8(15), _mm512_set1_epi32(0x30201000)};
    __m512i low[GROUPS], high[GROUPS];
#pragma GCC unroll 4
    for (int i = 0; i < GROUPS; i++) {
        __m512 a = _mm512_loadu_ps(in + 16 * i), b = _mm512_loadu_ps(in + 16 * i + 8);
        low[i] = _mm512_castps_si512(_mm512_shuffle_ps(a, b, 0x88));
        high[i] = _mm512_castps_si512(_mm512_shuffle_ps(a, b, 0xdd));
    }
#pragma GCC unroll 16
    for (unsigned round = 0; round < 32; round += 2) {
        half_round(&t, high, low, magma_round_key(round_key, round));
        half_round(&t, low, high, magma_round_key(round_key, round + 1));
    }
    /* The last round does not swap its halves: what is low now is the upper word. */
#pragma GCC unroll 4
    for (int i = 0; i < GROUPS; i++) {
        _mm512_storeu_si512(out + 16 * i, _mm512_unpacklo_epi32(high[i], low[i]));
        _mm512_storeu_si512(out + 16 * i + 8, _mm512_unpackhi_epi32(high[i], low[i]));
    }
}

INLINE __m512i swap_bytes(__m512i x)
{
    const __m512i order = _mm512_set4_epi32(0x08090a0b, 0x0c0d0e0f, 0x00010203, 0x04050607);
    return _mm512_shuffle_epi8(x, order);
}

INLINE void crypt(int opening, product_sum *sum, const uint64_t *stream, const uint64_t *mask,
                  const uint8_t *in, uint8_t *out, size_t blocks)
{
    __m512i acc = _mm512_setzero_si512();
    for (size_t i = 0; i < blocks; i += 8) {
        size_t left = blocks - i;
        __mmask8 here = (__mmask8)(left < 8 ? (1u << left) - 1 : 0xff);
        __m512i text = swap_bytes(_mm512_maskz_loadu_epi64(here, in + MAGMA_BLOCK * i));
        __m512i other = _mm512_xor_si512(text, _mm512_maskz_loadu_epi64(here, stream + i));
        __m512i factor = _mm512_maskz_loadu_epi64(here, mask + i);
        __m512i ciphertext = opening ? text : other;
        _mm512_mask_storeu_epi64(out + MAGMA_BLOCK * i, here, swap_bytes(other));
        /* acc ^ even products ^ odd products */
        acc = _mm512_ternarylogic_epi64(acc, _mm512_clmulepi64_epi128(factor, ciphertext, 0x00),
                                        _mm512_clmulepi64_epi128(factor, ciphertext, 0x11), 0x96);
    }
    __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(acc),
                                    _mm512_extracti64x4_epi64(acc, 1));
    __m128i all = _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    sum->low ^= (uint64_t)_mm_cvtsi128_si64(all);
    sum->high ^= (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(all, all));
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
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("vpclmulqdq");
}

const kernel kernel_avx512 = {"avx512", supported, encrypt, seal, open, &few_avx512};

#endif
