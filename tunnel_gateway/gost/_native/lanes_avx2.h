/*
 * GOST 28147-89 in the four 32-bit lanes of a register, by AVX2. A byte shuffle looks sixteen
 * nibbles up in one S-box, of which four are for that one: the index of the others is zero, and
 * the S-boxes are made to give zero for zero. What this leaves out is the same in all rounds.
 */
#ifndef TUNNEL_GATEWAY_LANES_AVX2_H
#define TUNNEL_GATEWAY_LANES_AVX2_H

#include "sboxes.h"

#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define INLINE TARGET static inline __attribute__((always_inline))

/* Row i of these stands for byte i of the word. */
static _Alignas(16) uint8_t low_nibbles[SBOXES][4][16], high_nibbles[SBOXES][4][16];
static uint32_t left_out[SBOXES];

__attribute__((constructor)) static void fill_tables(void)
{
    for (int sbox = 0; sbox < SBOXES; sbox++) {
        uint32_t zero = 0;
        for (int byte = 0; byte < 4; byte++) {
            const uint8_t *low = sboxes[sbox][2 * byte], *high = sboxes[sbox][2 * byte + 1];
            for (int value = 0; value < 16; value++) {
                low_nibbles[sbox][byte][value] = low[value] ^ low[0];
                high_nibbles[sbox][byte][value] = (uint8_t)((high[value] ^ high[0]) << 4);
            }
            zero |= (uint32_t)(low[0] | high[0] << 4) << (8 * byte);
        }
        left_out[sbox] = zero << 11 | zero >> 21;
    }
}

typedef struct {
    __m128i low[4], high[4], nibble[4], left_out;
} tables;

INLINE tables load_tables(sbox_name sbox)
{
    tables t = {.left_out = _mm_set1_epi32((int)left_out[sbox])};
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t.low[i] = _mm_load_si128((const __m128i *)low_nibbles[sbox][i]);
        t.high[i] = _mm_load_si128((const __m128i *)high_nibbles[sbox][i]);
        t.nibble[i] = _mm_set1_epi32(15 << (8 * i));
    }
    return t;
}

INLINE __m128i look_up(const tables *t, const __m128i table[4], __m128i x)
{
    __m128i y[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        y[i] = _mm_shuffle_epi8(table[i], _mm_and_si128(x, t->nibble[i]));
    return _mm_xor_si128(_mm_xor_si128(y[0], y[1]), _mm_xor_si128(y[2], y[3]));
}

/* target ^ the rotated S-boxes of (source + key) */
INLINE __m128i half_round(const tables *t, __m128i target, __m128i source, __m128i key)
{
    __m128i x = _mm_add_epi32(source, key);
    __m128i low = look_up(t, t->low, x), high = look_up(t, t->high, _mm_srli_epi32(x, 4));
    __m128i y = _mm_xor_si128(low, high);
    target = _mm_xor_si128(target, t->left_out);
    target = _mm_xor_si128(target, _mm_slli_epi32(y, 11));
    return _mm_xor_si128(target, _mm_srli_epi32(y, 21));
}

#endif
