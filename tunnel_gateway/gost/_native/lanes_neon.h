/*
 * The S-boxes of GOST 28147-89 by NEON. Four words lie in a register, and the eight S-boxes in two
 * tables of four registers: a table look-up finds each nibble in the part of its own byte of the
 * word.
 */
#ifndef TUNNEL_GATEWAY_LANES_NEON_H
#define TUNNEL_GATEWAY_LANES_NEON_H

#include "sboxes.h"

#include <arm_neon.h>

#define TARGET __attribute__((target("+crypto")))
#define INLINE TARGET static inline __attribute__((always_inline))

typedef struct {
    uint8x16x4_t low_nibbles, high_nibbles;
    uint8x16_t nibble, row;
} tables;

INLINE tables load_tables(sbox_name sbox)
{
    tables t = {.nibble = vdupq_n_u8(15), .row = vreinterpretq_u8_u32(vdupq_n_u32(0x30201000))};
    for (int byte = 0; byte < 4; byte++) {
        t.low_nibbles.val[byte] = vld1q_u8(sboxes[sbox][2 * byte]);
        t.high_nibbles.val[byte] = vshlq_n_u8(vld1q_u8(sboxes[sbox][2 * byte + 1]), 4);
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

#endif
