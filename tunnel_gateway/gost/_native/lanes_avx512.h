/*
 * GOST 28147-89 in the four 32-bit lanes of a register, by AVX-512 with VBMI, in registers of 256
 * bits at most. The four S-boxes of the low nibbles lie in one pair of registers and those of the
 * high ones in another: a byte permute of a pair looks each nibble up in the table of its own byte
 * of the word.
 */
#ifndef TUNNEL_GATEWAY_LANES_AVX512_H
#define TUNNEL_GATEWAY_LANES_AVX512_H

#include "nibbles.h"

#include <immintrin.h>

#define TARGET __attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512vbmi")))
#define INLINE TARGET static inline __attribute__((always_inline))

typedef struct {
    __m256i low[2], high[2];
    __m128i nibble, row;
} tables;

INLINE tables load_tables(sbox_name sbox)
{
    tables t = {.nibble = _mm_set1_epi8(15), .row = _mm_set1_epi32(0x30201000)};
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        t.low[i] = _mm256_load_si256((const __m256i *)low_nibbles[sbox][2 * i]);
        t.high[i] = _mm256_load_si256((const __m256i *)high_nibbles[sbox][2 * i]);
    }
    return t;
}

INLINE __m128i look_up(const tables *t, const __m256i table[2], __m128i x)
{
    /* (x & nibble) | row: the index of a nibble in its own byte's quarter of the table. */
    __m128i index = _mm_ternarylogic_epi32(x, t->nibble, t->row, 0xea);
    __m256i y = _mm256_permutex2var_epi8(table[0], _mm256_castsi128_si256(index), table[1]);
    return _mm_rol_epi32(_mm256_castsi256_si128(y), 11);
}

/* target ^ the rotated S-boxes of (source + key) */
INLINE __m128i half_round(const tables *t, __m128i target, __m128i source, __m128i key)
{
    __m128i x = _mm_add_epi32(source, key);
    __m128i low = look_up(t, t->low, x), high = look_up(t, t->high, _mm_srli_epi32(x, 4));
    return _mm_ternarylogic_epi32(target, low, high, 0x96);
}

#endif
