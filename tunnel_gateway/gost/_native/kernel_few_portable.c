/*
 * Few blocks at a time in plain C. The eight S-boxes of a word are done at once, each of the four
 * input bits of all nibbles as a word of its own: then an S-box is a sum of products of bits, with
 * masks for the products that it has, and needs no table in memory whose timing would tell the key.
 */
#include "kernel.h"

/* Algebraic normal forms: in nibble i of [inputs], the outputs of row i that take that product. */
static uint32_t products[SBOXES][16];

__attribute__((constructor)) static void fill_products(void)
{
    for (int sbox = 0; sbox < SBOXES; sbox++)
        for (unsigned inputs = 0; inputs < 16; inputs++)
            for (unsigned row = 0; row < 8; row++)
                for (unsigned value = 0; value < 16; value++)
                    if ((value & inputs) == value)
                        products[sbox][inputs] ^= (uint32_t)sboxes[sbox][row][value] << (4 * row);
}

/* All four bits of each nibble as that bit of it. */
static inline uint32_t spread(uint32_t x, unsigned bit)
{
    uint32_t alone = x >> bit & 0x11111111;
    return (alone << 4) - alone;
}

/* The sum over all inputs of bits 0 and 1, of which the others are told by [0..3]. */
static inline uint32_t quarter(const uint32_t product[4], uint32_t bit0, uint32_t bit1)
{
    return product[0] ^ (bit0 & product[1]) ^ (bit1 & (product[2] ^ (bit0 & product[3])));
}

static inline uint32_t round_function(const uint32_t product[16], uint32_t x)
{
    uint32_t bit0 = spread(x, 0), bit1 = spread(x, 1), bit2 = spread(x, 2), bit3 = spread(x, 3);
    uint32_t y = quarter(product, bit0, bit1) ^ (bit2 & quarter(product + 4, bit0, bit1)) ^
                 (bit3 & (quarter(product + 8, bit0, bit1) ^
                          (bit2 & quarter(product + 12, bit0, bit1))));
    return y << 11 | y >> 21;
}

/* Decryption takes the keys of encryption from the last to the first. */
static inline uint64_t crypt(sbox_name sbox, const uint32_t round_key[8], int decrypt,
                             uint64_t block)
{
    const uint32_t *product = products[sbox];
    uint32_t low = (uint32_t)block, high = (uint32_t)(block >> 32);
    for (unsigned round = 0; round < 32; round += 2) {
        unsigned first = decrypt ? 31 - round : round, second = decrypt ? 30 - round : round + 1;
        high ^= round_function(product, low + magma_round_key(round_key, first));
        low ^= round_function(product, high + magma_round_key(round_key, second));
    }
    /* The last round does not swap its halves: what is low now is the upper word. */
    return (uint64_t)low << 32 | high;
}

static void four(sbox_name sbox, const uint32_t round_key[8], int decrypt, uint64_t block[4])
{
    for (int i = 0; i < 4; i++)
        block[i] = crypt(sbox, round_key, decrypt, block[i]);
}

static void chain(sbox_name sbox, const uint32_t round_key[8], int output, uint64_t *feedback,
                  const uint8_t *in, uint8_t *out, size_t blocks)
{
    uint64_t state = *feedback;
    for (; blocks--; in += 8, out += 8) {
        state = crypt(sbox, round_key, 0, state);
        uint64_t other = state ^ block_load(in);
        block_store(out, other);
        if (!output)
            state = other;
    }
    *feedback = state;
}

const kernel_few few_portable = {four, chain};
