/*
 * Plain C. Sixty-four blocks are encrypted as sixty-four slices, each the same bit of every
 * block: then the S-boxes are sums and products of bits and need no table in memory, whose
 * timing would tell the key to whoever shares the cache.
 */
#include "kernel.h"

#include "gost28147.h"

#include <string.h>

#define UNROLL _Pragma("GCC unroll 64")
#define INLINE static inline __attribute__((always_inline))

/* Which output bits take the product of the input bits in `inputs` (algebraic normal form). */
INLINE unsigned outputs_of(const uint8_t row[16], unsigned inputs)
{
    unsigned outputs = 0;
    UNROLL
    for (unsigned value = 0; value < 16; value++)
        if ((value & inputs) == value)
            outputs ^= row[value];
    return outputs;
}

/* The row is a constant after inlining, so nothing of the conditions is left at run time. */
INLINE void substitute(const uint8_t row[16], const uint64_t x[4], uint64_t target[32],
                       unsigned first_bit)
{
    uint64_t product[16] = {~(uint64_t)0};
    UNROLL
    for (unsigned inputs = 1; inputs < 16; inputs++) {
        unsigned lowest = inputs & -inputs;
        product[inputs] = product[inputs ^ lowest] & x[__builtin_ctz(inputs)];
    }
    UNROLL
    for (unsigned inputs = 0; inputs < 16; inputs++)
        UNROLL
        for (unsigned bit = 0; bit < 4; bit++)
            if (outputs_of(row, inputs) >> bit & 1)
                target[(first_bit + bit + 11) % 32] ^= product[inputs];
}

INLINE void half_round(sbox_name sbox, uint64_t target[32], const uint64_t source[32],
                       const uint64_t key[32])
{
    uint64_t carry = 0, sum[4];
    UNROLL
    for (unsigned row = 0; row < 8; row++) {
        UNROLL
        for (unsigned bit = 0; bit < 4; bit++) {
            uint64_t k = key[4 * row + bit], half = source[4 * row + bit] ^ carry;
            sum[bit] = half ^ k;
            carry ^= half & (k ^ carry);
        }
        substitute(sboxes[sbox][row], sum, target, 4 * row);
    }
}

/* Blocks to slices and back: bit i of word j changes places with bit j of word i. */
static void transpose(uint64_t m[64])
{
    uint64_t mask = 0x00000000ffffffff;
    for (unsigned j = 32; j != 0; j >>= 1, mask ^= mask << j)
        for (unsigned k = 0; k < 64; k = (k + j + 1) & ~j) {
            uint64_t moved = (m[k] >> j ^ m[k + j]) & mask;
            m[k] ^= moved << j;
            m[k + j] ^= moved;
        }
}

INLINE void encrypt_with(sbox_name sbox, const uint32_t round_key[8],
                         const uint64_t in[KERNEL_BLOCKS], uint64_t out[KERNEL_BLOCKS])
{
    uint64_t key[8][32], slices[64], *low = slices, *high = slices + 32;
    for (unsigned word = 0; word < 8; word++)
        for (unsigned bit = 0; bit < 32; bit++)
            key[word][bit] = -(uint64_t)(round_key[word] >> bit & 1);
    memcpy(slices, in, sizeof slices);
    transpose(slices);
    for (unsigned round = 0; round < 32; round += 2) {
        half_round(sbox, high, low, key[round < 24 ? round % 8 : 31 - round]);
        half_round(sbox, low, high, key[round < 24 ? round % 8 + 1 : 30 - round]);
    }
    /* The last round does not swap its halves: what is low now is the upper word. */
    memcpy(out, high, sizeof slices / 2);
    memcpy(out + 32, low, sizeof slices / 2);
    transpose(out);
    gost_wipe(key, sizeof key);
    gost_wipe(slices, sizeof slices);
}

/* A copy of the code for each S-box. */
static void encrypt(sbox_name sbox, const uint32_t round_key[8], const uint64_t in[KERNEL_BLOCKS],
                    uint64_t out[KERNEL_BLOCKS])
{
#define CASE(name)                               \
    case name:                                   \
        encrypt_with(name, round_key, in, out);  \
        break
    switch (sbox) {
        CASE(SBOX_TEST);
        CASE(SBOX_A);
        CASE(SBOX_B);
        CASE(SBOX_C);
        CASE(SBOX_D);
        CASE(SBOX_DIGEST_TEST);
        CASE(SBOX_DIGEST);
        CASE(SBOX_Z);
    default:
        break;
    }
}

/*
 * The low half of a carry-less product: with only every fourth bit kept, an ordinary product's
 * carries stay inside their gaps.
 */
static uint64_t multiply_low(uint64_t x, uint64_t y)
{
    const uint64_t mask = 0x1111111111111111;
    uint64_t x0 = x & mask, x1 = x & mask << 1, x2 = x & mask << 2, x3 = x & mask << 3;
    uint64_t y0 = y & mask, y1 = y & mask << 1, y2 = y & mask << 2, y3 = y & mask << 3;
    uint64_t z0 = (x0 * y0) ^ (x1 * y3) ^ (x2 * y2) ^ (x3 * y1);
    uint64_t z1 = (x0 * y1) ^ (x1 * y0) ^ (x2 * y3) ^ (x3 * y2);
    uint64_t z2 = (x0 * y2) ^ (x1 * y1) ^ (x2 * y0) ^ (x3 * y3);
    uint64_t z3 = (x0 * y3) ^ (x1 * y2) ^ (x2 * y1) ^ (x3 * y0);
    return (z0 & mask) | (z1 & mask << 1) | (z2 & mask << 2) | (z3 & mask << 3);
}

static uint64_t reverse_bits(uint64_t x)
{
    x = (x & 0x5555555555555555) << 1 | (x >> 1 & 0x5555555555555555);
    x = (x & 0x3333333333333333) << 2 | (x >> 2 & 0x3333333333333333);
    x = (x & 0x0f0f0f0f0f0f0f0f) << 4 | (x >> 4 & 0x0f0f0f0f0f0f0f0f);
    return __builtin_bswap64(x);
}

static uint64_t load_be(const uint8_t in[8])
{
    uint64_t word;
    memcpy(&word, in, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static void store_be(uint8_t out[8], uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(out, &word, sizeof word);
}

INLINE void crypt(int opening, product_sum *sum, const uint64_t *stream, const uint64_t *mask,
                  const uint8_t *in, uint8_t *out, size_t blocks)
{
    /* The high half of a product is the low half of the reversed factors' product, reversed;
       reversal is linear, so it is undone once at the end. */
    uint64_t low = 0, reversed_high = 0;
    for (size_t i = 0; i < blocks; i++) {
        uint64_t text = load_be(in + MAGMA_BLOCK * i), other = text ^ stream[i];
        uint64_t ciphertext = opening ? text : other;
        store_be(out + MAGMA_BLOCK * i, other);
        low ^= multiply_low(mask[i], ciphertext);
        reversed_high ^= multiply_low(reverse_bits(mask[i]), reverse_bits(ciphertext));
    }
    sum->low ^= low;
    sum->high ^= reverse_bits(reversed_high) >> 1;
}

static void seal(product_sum *sum, const uint64_t *stream, const uint64_t *mask,
                 const uint8_t *in, uint8_t *out, size_t blocks)
{
    crypt(0, sum, stream, mask, in, out, blocks);
}

static void open(product_sum *sum, const uint64_t *stream, const uint64_t *mask,
                 const uint8_t *in, uint8_t *out, size_t blocks)
{
    crypt(1, sum, stream, mask, in, out, blocks);
}

static int supported(void)
{
    return 1;
}

const kernel kernel_portable = {"portable", supported, encrypt, seal, open, &few_portable};
