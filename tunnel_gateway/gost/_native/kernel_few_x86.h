/*
 * Few blocks at a time for x86-64 with AVX2 or more: all but the rounds, for which the file that
 * includes this has included one of lanes_*.h. Where each block waits for the one before, only one
 * of the four lanes has work, and what counts is the number of instructions one after the other.
 */
#ifndef TUNNEL_GATEWAY_KERNEL_FEW_X86_H
#define TUNNEL_GATEWAY_KERNEL_FEW_X86_H

#include "kernel_few.h"

#include <string.h>

/* The lower and the upper words of the blocks. */
typedef struct {
    __m128i low, high;
} words;

INLINE __m128i key_of(const uint32_t round_key[8], int i)
{
    return _mm_set1_epi32((int)round_key[i]);
}

/* Or the compiler would keep copies of the keys on the stack, where nobody wipes them. */
INLINE void read_keys_again(void)
{
    __asm__ volatile("" : : : "memory");
}

INLINE words forwards(const tables *t, const uint32_t round_key[8], words w)
{
    read_keys_again();
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        w.high = half_round(t, w.high, w.low, key_of(round_key, i));
        w.low = half_round(t, w.low, w.high, key_of(round_key, i + 1));
    }
    return w;
}

INLINE words backwards(const tables *t, const uint32_t round_key[8], words w)
{
    read_keys_again();
#pragma GCC unroll 4
    for (int i = 7; i > 0; i -= 2) {
        w.high = half_round(t, w.high, w.low, key_of(round_key, i));
        w.low = half_round(t, w.low, w.high, key_of(round_key, i - 1));
    }
    return w;
}

/* The last round does not swap its halves: what is low then is the upper word. */
INLINE words encrypt_words(const tables *t, const uint32_t round_key[8], words w)
{
    for (int times = 0; times < 3; times++)
        w = forwards(t, round_key, w);
    w = backwards(t, round_key, w);
    return (words){w.high, w.low};
}

INLINE words decrypt_words(const tables *t, const uint32_t round_key[8], words w)
{
    w = forwards(t, round_key, w);
    for (int times = 0; times < 3; times++)
        w = backwards(t, round_key, w);
    return (words){w.high, w.low};
}

TARGET static void four(sbox_name sbox, const uint32_t round_key[8], int decrypt,
                        uint64_t block[4])
{
    const tables t = load_tables(sbox);
    __m128i *pair = (__m128i *)block;
    __m128 a = _mm_castsi128_ps(_mm_loadu_si128(pair));
    __m128 b = _mm_castsi128_ps(_mm_loadu_si128(pair + 1));
    words w = {_mm_castps_si128(_mm_shuffle_ps(a, b, 0x88)),
               _mm_castps_si128(_mm_shuffle_ps(a, b, 0xdd))};
    w = decrypt ? decrypt_words(&t, round_key, w) : encrypt_words(&t, round_key, w);
    _mm_storeu_si128(pair, _mm_unpacklo_epi32(w.low, w.high));
    _mm_storeu_si128(pair + 1, _mm_unpackhi_epi32(w.low, w.high));
}

INLINE __m128i load_word(const uint8_t *bytes)
{
    int word;
    memcpy(&word, bytes, sizeof word);
    return _mm_cvtsi32_si128(word);
}

TARGET static void chain(sbox_name sbox, const uint32_t round_key[8], int output,
                         uint64_t *feedback, const uint8_t *in, uint8_t *out, size_t blocks)
{
    const tables t = load_tables(sbox);
    words w = {_mm_cvtsi32_si128((int)*feedback), _mm_cvtsi32_si128((int)(*feedback >> 32))};
    for (; blocks--; in += 8, out += 8) {
        w = encrypt_words(&t, round_key, w);
        words other = {_mm_xor_si128(w.low, load_word(in)), _mm_xor_si128(w.high, load_word(in + 4))};
        _mm_storel_epi64((__m128i *)out, _mm_unpacklo_epi32(other.low, other.high));
        if (!output)
            w = other;
    }
    _mm_storel_epi64((__m128i *)feedback, _mm_unpacklo_epi32(w.low, w.high));
}

#endif
