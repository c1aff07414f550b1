#include "mgm.h"

#include "gost28147.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK GOST28147_BLOCK_SIZE
#define BATCH 4

/* RFC 8891, section 4.1, and RFC 7836, appendix C: id-tc26-gost-28147-param-Z. */
static const uint8_t sbox_z[GOST28147_SBOX_SIZE] = {
    12, 4, 6, 2, 10, 5, 11, 9, 14, 8, 13, 7, 0, 3, 15, 1,
    6, 8, 2, 3, 9, 10, 5, 12, 1, 14, 4, 7, 11, 13, 0, 15,
    11, 3, 5, 8, 2, 15, 10, 13, 14, 1, 7, 4, 12, 9, 6, 0,
    12, 8, 2, 1, 13, 4, 15, 6, 7, 0, 10, 5, 3, 14, 9, 11,
    7, 15, 5, 10, 8, 1, 6, 13, 0, 9, 3, 14, 11, 4, 2, 12,
    5, 13, 15, 6, 9, 2, 12, 10, 11, 7, 8, 1, 4, 3, 14, 0,
    8, 14, 2, 5, 6, 9, 1, 12, 15, 4, 11, 0, 13, 10, 3, 7,
    1, 7, 14, 13, 0, 5, 8, 3, 4, 15, 10, 6, 9, 12, 11, 2,
};

static gost28147_tables tables_z;

__attribute__((constructor)) static void expand_z(void)
{
    gost28147_expand(&tables_z, sbox_z);
}

static uint64_t load_be(const uint8_t in[8])
{
    uint64_t word = 0;
    for (unsigned i = 0; i < 8; i++)
        word = word << 8 | in[i];
    return word;
}

static void store_be(uint8_t out[8], uint64_t word)
{
    for (unsigned i = 8; i--; word >>= 8)
        out[i] = (uint8_t)word;
}

/* Up to eight bytes, padded with zeros on the right as MGM pads its last blocks. */
static uint64_t load_partial(const uint8_t *in, size_t size)
{
    uint8_t block[8] = {0};
    memcpy(block, in, size);
    return load_be(block);
}

static void encrypt_batch(const magma_mgm *mgm, uint64_t block[BATCH])
{
    uint32_t low[BATCH], high[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        low[i] = (uint32_t)block[i];
        high[i] = (uint32_t)(block[i] >> 32);
    }
    gost28147_encrypt_4(mgm->round_key, &tables_z, low, high);
    for (unsigned i = 0; i < BATCH; i++)
        block[i] = (uint64_t)high[i] << 32 | low[i];
}

static uint64_t encrypt_one(const magma_mgm *mgm, uint64_t block)
{
    uint64_t batch[BATCH] = {block};
    encrypt_batch(mgm, batch);
    return batch[0];
}

/*
 * Carry-less multiplication without tables: with only every fourth bit kept, an ordinary
 * product's carries stay inside their gaps. Gives the low 64 bits of the product.
 */
static uint64_t multiply_low(uint64_t x, uint64_t y)
{
    const uint64_t mask = 0x1111111111111111;
    uint64_t x0 = x & mask, x1 = x & mask << 1, x2 = x & mask << 2, x3 = x & mask << 3;
    uint64_t y0 = y & mask, y1 = y & mask << 1, y2 = y & mask << 2, y3 = y & mask << 3;
    uint64_t z0 = x0 * y0 ^ x1 * y3 ^ x2 * y2 ^ x3 * y1;
    uint64_t z1 = x0 * y1 ^ x1 * y0 ^ x2 * y3 ^ x3 * y2;
    uint64_t z2 = x0 * y2 ^ x1 * y1 ^ x2 * y0 ^ x3 * y3;
    uint64_t z3 = x0 * y3 ^ x1 * y2 ^ x2 * y1 ^ x3 * y0;
    return (z0 & mask) | (z1 & mask << 1) | (z2 & mask << 2) | (z3 & mask << 3);
}

static uint64_t reverse_bits(uint64_t x)
{
    x = (x & 0x5555555555555555) << 1 | (x >> 1 & 0x5555555555555555);
    x = (x & 0x3333333333333333) << 2 | (x >> 2 & 0x3333333333333333);
    x = (x & 0x0f0f0f0f0f0f0f0f) << 4 | (x >> 4 & 0x0f0f0f0f0f0f0f0f);
    return __builtin_bswap64(x);
}

/*
 * The multilinear sum, not yet reduced. The high half is kept bit-reversed: reversal is
 * linear, so it is undone, like the reduction, once at the end instead of once a block.
 */
typedef struct {
    uint64_t low, reversed_high;
    uint64_t counter;
    uint64_t mask[BATCH];
    unsigned used;
} mac_state;

/* incr_l of RFC 9058: the left half counts. */
static uint64_t next_left(uint64_t block)
{
    return block + ((uint64_t)1 << 32);
}

/* incr_r of RFC 9058: the right half counts and does not carry into the left one. */
static uint64_t next_right(uint64_t block)
{
    return (block & 0xffffffff00000000) | (uint32_t)(block + 1);
}

static void mac_start(const magma_mgm *mgm, mac_state *mac, uint64_t nonce)
{
    memset(mac, 0, sizeof *mac);
    mac->counter = encrypt_one(mgm, nonce | (uint64_t)1 << 63);
    mac->used = BATCH;
}

static void mac_block(const magma_mgm *mgm, mac_state *mac, uint64_t block)
{
    if (mac->used == BATCH) {
        for (unsigned i = 0; i < BATCH; i++) {
            mac->mask[i] = mac->counter;
            mac->counter = next_left(mac->counter);
        }
        encrypt_batch(mgm, mac->mask);
        mac->used = 0;
    }
    uint64_t mask = mac->mask[mac->used++];
    mac->low ^= multiply_low(mask, block);
    mac->reversed_high ^= multiply_low(reverse_bits(mask), reverse_bits(block));
}

static void mac_bytes(const magma_mgm *mgm, mac_state *mac, const uint8_t *in, size_t size)
{
    for (; size >= BLOCK; in += BLOCK, size -= BLOCK)
        mac_block(mgm, mac, load_be(in));
    if (size > 0)
        mac_block(mgm, mac, load_partial(in, size));
}

/* Modulo x^64 + x^4 + x^3 + x + 1. */
static uint64_t reduce(uint64_t high, uint64_t low)
{
    uint64_t spilled = high >> 63 ^ high >> 61 ^ high >> 60;
    high ^= spilled;
    return low ^ high ^ high << 1 ^ high << 3 ^ high << 4;
}

static uint64_t mac_finish(const magma_mgm *mgm, mac_state *mac, size_t associated_size,
                           size_t size)
{
    mac_block(mgm, mac, (uint64_t)associated_size << 35 | (uint32_t)(size << 3));
    uint64_t sum = reduce(reverse_bits(mac->reversed_high) >> 1, mac->low);
    gost_wipe(mac, sizeof *mac);
    return encrypt_one(mgm, sum);
}

static void counter_mode(const magma_mgm *mgm, uint64_t nonce, const uint8_t *in, size_t size,
                         uint8_t *out)
{
    uint64_t counter = encrypt_one(mgm, nonce), stream[BATCH];
    uint8_t last[BLOCK];
    while (size > 0) {
        for (unsigned i = 0; i < BATCH; i++) {
            stream[i] = counter;
            counter = next_right(counter);
        }
        encrypt_batch(mgm, stream);
        for (unsigned i = 0; i < BATCH && size > 0; i++) {
            size_t take = size < BLOCK ? size : BLOCK;
            store_be(last, stream[i]);
            for (size_t j = 0; j < take; j++)
                out[j] = in[j] ^ last[j];
            in += take;
            out += take;
            size -= take;
        }
    }
    gost_wipe(stream, sizeof stream);
    gost_wipe(last, sizeof last);
}

magma_mgm *magma_mgm_new(const uint8_t key[MGM_KEY_SIZE])
{
    magma_mgm *mgm = malloc(sizeof *mgm);
    if (mgm == NULL)
        return NULL;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t pair = load_be(key + 8 * i);
        mgm->round_key[2 * i] = (uint32_t)(pair >> 32);
        mgm->round_key[2 * i + 1] = (uint32_t)pair;
    }
    return mgm;
}

void magma_mgm_free(magma_mgm *mgm)
{
    if (mgm == NULL)
        return;
    gost_wipe(mgm, sizeof *mgm);
    free(mgm);
}

void magma_encrypt_block(const magma_mgm *mgm, const uint8_t in[8], uint8_t out[8])
{
    store_be(out, encrypt_one(mgm, load_be(in)));
}

void magma_mgm_seal(const magma_mgm *mgm, const uint8_t nonce[MGM_NONCE_SIZE],
                    const uint8_t *associated, size_t associated_size, const uint8_t *in,
                    size_t size, uint8_t *out, uint8_t tag[MGM_TAG_SIZE])
{
    mac_state mac;
    uint64_t start = load_be(nonce);
    mac_start(mgm, &mac, start);
    mac_bytes(mgm, &mac, associated, associated_size);
    counter_mode(mgm, start, in, size, out);
    mac_bytes(mgm, &mac, out, size);
    store_be(tag, mac_finish(mgm, &mac, associated_size, size));
}

int magma_mgm_open(const magma_mgm *mgm, const uint8_t nonce[MGM_NONCE_SIZE],
                   const uint8_t *associated, size_t associated_size, const uint8_t *in,
                   size_t size, const uint8_t tag[MGM_TAG_SIZE], uint8_t *out)
{
    mac_state mac;
    uint64_t start = load_be(nonce);
    mac_start(mgm, &mac, start);
    mac_bytes(mgm, &mac, associated, associated_size);
    mac_bytes(mgm, &mac, in, size);
    /* One comparison of whole words: its time does not tell where they differ. */
    if (mac_finish(mgm, &mac, associated_size, size) != load_be(tag)) {
        memset(out, 0, size);
        return 0;
    }
    counter_mode(mgm, start, in, size, out);
    return 1;
}
