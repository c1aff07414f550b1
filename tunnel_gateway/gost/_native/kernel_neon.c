/* NEON with PMULL. Each register of words goes through the look-ups of lanes_neon.h. */
#include "kernel.h"

#if defined(__aarch64__)

#include "lanes_neon.h"

#include <asm/hwcap.h>
#include <sys/auxv.h>

/* Registers of words in flight: as many as there is room for beside the tables. */
#define GROUPS 8
#define BATCH (4 * GROUPS)

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
    const tables t = load_tables(sbox);
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

const kernel kernel_neon = {"neon", supported, encrypt, seal, open, &few_neon};

#endif
