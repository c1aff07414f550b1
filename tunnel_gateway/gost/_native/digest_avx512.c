/*
 * AVX-512 with VBMI, in registers of 256 bits at most. The four S-boxes of the low nibbles lie
 * in one pair of registers and those of the high ones in another: a byte permute of a pair looks
 * each nibble up in the table of its own byte of the word.
 */
#include "digest_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512vbmi")))
#define INLINE TARGET static inline __attribute__((always_inline))

/* Row i of these stands for byte i of the word. */
static _Alignas(32) uint8_t low_nibbles[4][16], high_nibbles[4][16];

__attribute__((constructor)) static void fill_tables(void)
{
    static const uint8_t sbox[8][16] = DIGEST_SBOX;
    for (int byte = 0; byte < 4; byte++)
        for (int value = 0; value < 16; value++) {
            low_nibbles[byte][value] = sbox[2 * byte][value];
            high_nibbles[byte][value] = (uint8_t)(sbox[2 * byte + 1][value] << 4);
        }
}

typedef struct {
    __m256i low[2], high[2];
    __m128i nibble, row;
} tables;

INLINE tables load_tables(void)
{
    tables t = {.nibble = _mm_set1_epi8(15), .row = _mm_set1_epi32(0x30201000)};
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        t.low[i] = _mm256_load_si256((const __m256i *)low_nibbles[2 * i]);
        t.high[i] = _mm256_load_si256((const __m256i *)high_nibbles[2 * i]);
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

INLINE __m128i half_round(const tables *t, __m128i target, __m128i source, __m128i key)
{
    __m128i x = _mm_add_epi32(source, key);
    __m128i low = look_up(t, t->low, x), high = look_up(t, t->high, _mm_srli_epi32(x, 4));
    return _mm_ternarylogic_epi32(target, low, high, 0x96);
}

#include "digest_x86.h"

static int supported(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi");
}

const digest_kernel digest_avx512 = {"avx512", supported, step};

#endif
