/*
 * NEON with PMULL. Four words lie in a register, and the eight S-boxes in two tables of four
 * registers: a table look-up finds each nibble in the part of its own byte of the word.
 */
#include "kernel.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

#define TARGET __attribute__((target("+crypto")))
#define INLINE TARGET static inline __attribute__((always_inline))

/* Registers of words in flight: as many as there is room for beside the tables. */
#define GROUPS 8
#define BATCH (4 * GROUPS)

typedef struct {
    uint8x16x4_t low_nibbles, high_nibbles;
    uint8x16_t nibble, row;
} tables;

INLINE tables load_tables(const uint8_t sbox[8][16])
{
    tables t = {.nibble = vdupq_n_u8(15), .row = vreinterpretq_u8_u32(vdupq_n_u32(0x30201000))};
    for (int byte = 0; byte < 4; byte++) {
        t.low_nibbles.val[byte] = vld1q_u8(sbox[2 * byte]);
        t.high_nibbles.val[byte] = vshlq_n_u8(vld1q_u8(sbox[2 * byte + 1]), 4);
    }
    return t;
}

INLINE uint32x4_t round_function(const tables *t, uint32x4_t word)
{
    uint8x16_t x = vreinterpretq_u8_u32(word);
    uint8x16_t low = vbslq_u8(t->nibble, x, t->row);
    uint8x16_t high = vorrq_u8(vshrq_n_u8(x, 4), t->row);
    uint32x4_t y = vreinterpretq_u32_u8(
        veorq_u8(vqtbl4q_u8(t->low_nibbles, low), vqtbl4q_u8(t->high_nibbles, high)));
    return vsriq_n_u32(vshlq_n_u32(y, 11), y, 21);
}

INLINE void half_round(const tables *t, uint32x4_t target[GROUPS],
                       const uint32x4_t source[GROUPS], uint32_t key)
{
    uint32x4_t k = vdupq_n_u32(key);
#pragma GCC unroll 8
    for (int i = 0; i < GROUPS; i++)
        target[i] = veorq_u32(target[i], round_function(t, vaddq_u32(source[i], k)));
}

INLINE void encrypt_batch(const tables *t, const uint32_t round_key[8], const uint64_t in[BATCH],
                          uint64_t out[BATCH])
{
    uint32x4_t low[GROUPS], high[GROUPS];
#pragma GCC unroll 8
    for (int i = 0; i < GROUPS; i++) {
        uint32x4_t a = vreinterpretq_u32_u64(vld1q_u64(in + 4 * i));
        uint32x4_t b = vreinterpretq_u32_u64(vld1q_u64(in + 4 * i + 2));
        low[i] = vuzp1q_u32(a, b);
        high[i] = vuzp2q_u32(a, b);
    }
    for (unsigned round = 0; round < 32; round += 2) {
        half_round(t, high, low, magma_round_key(round_key, round));
        half_round(t, low, high, magma_round_key(round_key, round + 1));
    }
    /* The last round does not swap its halves: what is low now is the upper word. */
#pragma GCC unroll 8
    for (int i = 0; i < GROUPS; i++) {
        vst1q_u64(out + 4 * i, vreinterpretq_u64_u32(vzip1q_u32(high[i], low[i])));
        vst1q_u64(out + 4 * i + 2, vreinterpretq_u64_u32(vzip2q_u32(high[i], low[i])));
    }
}

TARGET static void encrypt(sbox_name sbox, const uint32_t round_key[8],
                           const uint64_t in[KERNEL_BLOCKS], uint64_t out[KERNEL_BLOCKS])
{
    const tables t = load_tables(sboxes[sbox]);
    for (int i = 0; i < KERNEL_BLOCKS; i += BATCH)
        encrypt_batch(&t, round_key, in + i, out + i);
}

INLINE void crypt(int opening, product_sum *sum, const uint64_t *stream, const uint64_t *mask,
                  const uint8_t *in, uint8_t *out, size_t blocks)
{
    uint64x2_t acc = vdupq_n_u64(0);
    for (size_t i = 0; i < blocks; i++) {
        uint8x8_t text = vrev64_u8(vld1_u8(in + MAGMA_BLOCK * i));
        uint8x8_t other = veor_u8(text, vreinterpret_u8_u64(vld1_u64(stream + i)));
        uint64_t ciphertext = vget_lane_u64(vreinterpret_u64_u8(opening ? text : other), 0);
        vst1_u8(out + MAGMA_BLOCK * i, vrev64_u8(other));
        acc = veorq_u64(acc, vreinterpretq_u64_p128(vmull_p64(mask[i], ciphertext)));
    }
    sum->low ^= vgetq_lane_u64(acc, 0);
    sum->high ^= vgetq_lane_u64(acc, 1);
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
    return (getauxval(AT_HWCAP) & HWCAP_PMULL) != 0;
}

const kernel kernel_neon = {"neon", supported, encrypt, seal, open};

#endif
