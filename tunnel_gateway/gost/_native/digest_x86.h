/*
 * The step of GOST R 34.11-94 for x86-64 with AVX2 or more: all but the rounds, for which the file
 * that includes this has included one of lanes_*.h.
 *
 * Four encryptions go on at once, each in a 32-bit lane. One round waits for the one before, so
 * that what counts is the number of instructions one after the other.
 */
#ifndef TUNNEL_GATEWAY_DIGEST_X86_H
#define TUNNEL_GATEWAY_DIGEST_X86_H

#include <string.h>

/*
 * The mixing is H' = psi^61(H ^ psi(M ^ psi^12(S))), and psi a linear map of sixteen words of 16
 * bits that only adds words up. So H' is the sum of psi^61(H), psi^62(M) and psi^74(S), and each
 * of these a sum of byte shuffles: of the number, and of the number with its halves exchanged,
 * for a shuffle stays in its half. No word of these three is a sum of more than seven of one half.
 */
#define TERMS 7
enum { MIX_HASH, MIX_BLOCK, MIX_ENCRYPTED, MIXES };

static _Alignas(32) uint8_t mixes[MIXES][2][TERMS][DIGEST_BLOCK];

__attribute__((constructor)) static void fill_mixes(void)
{
    static const int powers[MIXES] = {61, 62, 74};
    memset(mixes, 0x80, sizeof mixes); /* a shuffle writes zeros there */
    for (int mix = 0; mix < MIXES; mix++) {
        uint32_t y[16]; /* the words as sets of the words at the start */
        for (int i = 0; i < 16; i++)
            y[i] = (uint32_t)1 << i;
        for (int i = 0; i < powers[mix]; i++) {
            uint32_t next = y[0] ^ y[1] ^ y[2] ^ y[3] ^ y[12] ^ y[15];
            memmove(y, y + 1, 15 * sizeof y[0]);
            y[15] = next;
        }
        for (int to = 0; to < 16; to++) {
            int terms[2] = {0, 0};
            for (int from = 0; from < 16; from++)
                if (y[to] >> from & 1) {
                    int exchanged = to / 8 != from / 8;
                    uint8_t *index = mixes[mix][exchanged][terms[exchanged]++] + 2 * to;
                    index[0] = (uint8_t)(from % 8 * 2);
                    index[1] = (uint8_t)(from % 8 * 2 + 1);
                }
        }
    }
}

INLINE __m256i mix(int which, __m256i number, __m256i exchanged)
{
    __m256i here = _mm256_setzero_si256(), there = here;
#pragma GCC unroll 7
    for (int i = 0; i < TERMS; i++) {
        const __m256i *index = (const __m256i *)mixes[which][0][i];
        const __m256i *index_exchanged = (const __m256i *)mixes[which][1][i];
        here = _mm256_xor_si256(here, _mm256_shuffle_epi8(number, _mm256_load_si256(index)));
        there = _mm256_xor_si256(
            there, _mm256_shuffle_epi8(exchanged, _mm256_load_si256(index_exchanged)));
    }
    return _mm256_xor_si256(here, there);
}

INLINE __m256i mix_bytes(int which, const uint8_t bytes[DIGEST_BLOCK])
{
    __m256i number = _mm256_loadu_si256((const __m256i *)bytes);
    return mix(which, number, _mm256_permute2x128_si256(number, number, 1));
}

/*
 * A moves the window of four 64-bit words y1 to y4 by one in the sequence where each word is the
 * sum of those four and three places before. pair[i] is words i and i + 1, counted from 0.
 */
#define PAIRS 9

INLINE void extend(__m128i pair[PAIRS], const uint8_t bytes[DIGEST_BLOCK])
{
    for (int i = 0; i < 3; i++)
        pair[i] = _mm_loadu_si128((const __m128i *)(bytes + 8 * i));
    pair[4] = _mm_xor_si128(pair[0], pair[1]);
    pair[3] = _mm_alignr_epi8(pair[4], pair[2], 8);
    pair[6] = _mm_xor_si128(pair[2], pair[3]);
    pair[5] = _mm_alignr_epi8(pair[6], pair[4], 8);
    pair[8] = _mm_xor_si128(pair[4], pair[5]);
}

/* One half of the four keys, U ^ V for each; high is 0 or 1. */
INLINE void sum_up(__m128i sum[4], const __m128i u[PAIRS], const __m128i v[PAIRS], int high)
{
    /* C3, which is added to the third U, and A(C3), which the fourth has from it. */
    static const uint64_t constant[2][2][2] = {
        {{0xff00ff00ff00ff00, 0x00ff00ff00ff00ff}, {0xff0000ff00ffff00, 0xff00ffff000000ff}},
        {{0x00ff00ff00ff00ff, 0xff0000ff00ffff00}, {0xff00ffff000000ff, 0xffffffffffffffff}},
    };
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        sum[i] = _mm_xor_si128(u[i + 2 * high], v[2 * (i + high)]);
        if (i >= 2)
            sum[i] = _mm_xor_si128(
                sum[i], _mm_loadu_si128((const __m128i *)constant[i - 2][high]));
    }
}

/* RFC 5831, section 5.1: round key i of encryption j is in lane j of key[i]. */
INLINE void make_keys(__m128i key[8], const uint8_t hash[DIGEST_BLOCK],
                      const uint8_t block[DIGEST_BLOCK])
{
    __m128i u[PAIRS], v[PAIRS], low[4], high[4], half[2][4];
    extend(u, hash);
    extend(v, block);
    sum_up(low, u, v, 0);
    sum_up(high, u, v, 1);
    /* P: byte i of the four 64-bit words of a sum becomes word i of its key. */
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        __m128i even = _mm_unpacklo_epi8(low[j], high[j]);
        __m128i odd = _mm_unpackhi_epi8(low[j], high[j]);
        half[0][j] = _mm_unpacklo_epi8(even, odd);
        half[1][j] = _mm_unpackhi_epi8(even, odd);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        __m128i a = _mm_unpacklo_epi32(half[i][0], half[i][1]);
        __m128i b = _mm_unpacklo_epi32(half[i][2], half[i][3]);
        __m128i c = _mm_unpackhi_epi32(half[i][0], half[i][1]);
        __m128i d = _mm_unpackhi_epi32(half[i][2], half[i][3]);
        key[4 * i] = _mm_unpacklo_epi64(a, b);
        key[4 * i + 1] = _mm_unpackhi_epi64(a, b);
        key[4 * i + 2] = _mm_unpacklo_epi64(c, d);
        key[4 * i + 3] = _mm_unpackhi_epi64(c, d);
    }
}

TARGET static void step(uint8_t hash[DIGEST_BLOCK], const uint8_t block[DIGEST_BLOCK])
{
    const tables t = load_tables(SBOX_DIGEST);
    __m128i key[8];
    make_keys(key, hash, block);
    __m128 a = _mm_loadu_ps((const float *)hash);
    __m128 b = _mm_loadu_ps((const float *)(hash + 16));
    __m128i low = _mm_castps_si128(_mm_shuffle_ps(a, b, 0x88));
    __m128i high = _mm_castps_si128(_mm_shuffle_ps(a, b, 0xdd));
    for (int times = 0; times < 3; times++)
#pragma GCC unroll 4
        for (int i = 0; i < 8; i += 2) {
            high = half_round(&t, high, low, key[i]);
            low = half_round(&t, low, high, key[i + 1]);
        }
    /* Here, so that the processor has this to do while it waits for the last rounds. */
    __m256i mixed = _mm256_xor_si256(mix_bytes(MIX_HASH, hash), mix_bytes(MIX_BLOCK, block));
#pragma GCC unroll 4
    for (int i = 7; i > 0; i -= 2) {
        high = half_round(&t, high, low, key[i]);
        low = half_round(&t, low, high, key[i - 1]);
    }
    /* The last round does not swap its halves: what is low now is the upper word. */
    __m128i first = _mm_unpacklo_epi32(high, low), second = _mm_unpackhi_epi32(high, low);
    mixed = _mm256_xor_si256(
        mixed, mix(MIX_ENCRYPTED, _mm256_set_m128i(second, first), _mm256_set_m128i(first, second)));
    _mm256_storeu_si256((__m256i *)hash, mixed);
}

#endif
