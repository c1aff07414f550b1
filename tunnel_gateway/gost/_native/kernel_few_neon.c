/* Few blocks at a time by NEON: in the four lanes of a register, or in one of them. */
#include "kernel.h"

#if defined(__aarch64__)

#include "lanes_neon.h"

#include <string.h>

/* The lower and the upper words of the blocks. */
typedef struct {
    uint32x4_t low, high;
} words;

INLINE uint32x4_t half_round(const tables *t, uint32x4_t target, uint32x4_t source, uint32_t key)
{
    return veorq_u32(target, round_function(t, vaddq_u32(source, vdupq_n_u32(key))));
}

/* Decryption takes the keys of encryption from the last to the first. */
INLINE words crypt_words(const tables *t, const uint32_t round_key[8], int decrypt, words w)
{
    for (unsigned round = 0; round < 32; round += 2) {
        unsigned first = decrypt ? 31 - round : round, second = decrypt ? 30 - round : round + 1;
        w.high = half_round(t, w.high, w.low, magma_round_key(round_key, first));
        w.low = half_round(t, w.low, w.high, magma_round_key(round_key, second));
    }
    /* The last round does not swap its halves: what is low now is the upper word. */
    return (words){w.high, w.low};
}

TARGET static void four(sbox_name sbox, const uint32_t round_key[8], int decrypt,
                        uint64_t block[4])
{
    const tables t = load_tables(sbox);
    uint32x4_t a = vreinterpretq_u32_u64(vld1q_u64(block));
    uint32x4_t b = vreinterpretq_u32_u64(vld1q_u64(block + 2));
    words w = {vuzp1q_u32(a, b), vuzp2q_u32(a, b)};
    w = decrypt ? crypt_words(&t, round_key, 1, w) : crypt_words(&t, round_key, 0, w);
    vst1q_u64(block, vreinterpretq_u64_u32(vzip1q_u32(w.low, w.high)));
    vst1q_u64(block + 2, vreinterpretq_u64_u32(vzip2q_u32(w.low, w.high)));
}

INLINE uint32x4_t load_word(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return vdupq_n_u32(word);
}

TARGET static void chain(sbox_name sbox, const uint32_t round_key[8], int output,
                         uint64_t *feedback, const uint8_t *in, uint8_t *out, size_t blocks)
{
    const tables t = load_tables(sbox);
    words w = {vdupq_n_u32((uint32_t)*feedback), vdupq_n_u32((uint32_t)(*feedback >> 32))};
    for (; blocks--; in += 8, out += 8) {
        w = crypt_words(&t, round_key, 0, w);
        words other = {veorq_u32(w.low, load_word(in)), veorq_u32(w.high, load_word(in + 4))};
        uint32x4_t both = vzip1q_u32(other.low, other.high);
        vst1_u8(out, vget_low_u8(vreinterpretq_u8_u32(both)));
        if (!output)
            w = other;
    }
    *feedback = (uint64_t)vgetq_lane_u32(w.high, 0) << 32 | vgetq_lane_u32(w.low, 0);
}

const kernel_few few_neon = {four, chain};

#endif
