#include "gost28147.h"

#include <stdlib.h>
#include <string.h>

void gost_wipe(void *memory, size_t size)
{
    memset(memory, 0, size);
    /* The compiler has to believe that somebody reads the zeros. */
    __asm__ volatile("" : : "r"(memory) : "memory");
}

void gost28147_expand(gost28147_tables *tables, const uint8_t sbox[GOST28147_SBOX_SIZE])
{
    for (unsigned i = 0; i < 4; i++)
        for (unsigned value = 0; value < 256; value++) {
            uint32_t low = sbox[32 * i + (value & 15)] & 15;
            uint32_t high = sbox[32 * i + 16 + (value >> 4)] & 15;
            uint32_t word = (low | high << 4) << (8 * i);
            tables->byte[i][value] = word << 11 | word >> 21;
        }
}

static inline uint32_t round_function(const gost28147_tables *tables, uint32_t x)
{
    return tables->byte[0][x & 255] ^ tables->byte[1][x >> 8 & 255] ^
           tables->byte[2][x >> 16 & 255] ^ tables->byte[3][x >> 24];
}

/* Round i of encryption uses the key words forwards three times, then once backwards. */
static inline uint32_t encryption_key(const uint32_t round_key[8], unsigned round)
{
    return round_key[round < 24 ? round & 7 : 31 - round];
}

static uint32_t load_le(const uint8_t in[4])
{
    return in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static void store_le(uint8_t out[4], uint32_t word)
{
    out[0] = (uint8_t)word;
    out[1] = (uint8_t)(word >> 8);
    out[2] = (uint8_t)(word >> 16);
    out[3] = (uint8_t)(word >> 24);
}

gost28147 *gost28147_new(const uint8_t key[GOST28147_KEY_SIZE],
                         const uint8_t sbox[GOST28147_SBOX_SIZE])
{
    gost28147 *cipher = malloc(sizeof *cipher);
    if (cipher == NULL)
        return NULL;
    for (unsigned i = 0; i < 8; i++)
        cipher->round_key[i] = load_le(key + 4 * i);
    gost28147_expand(&cipher->tables, sbox);
    return cipher;
}

void gost28147_free(gost28147 *cipher)
{
    if (cipher == NULL)
        return;
    gost_wipe(cipher, sizeof *cipher);
    free(cipher);
}

static void crypt_blocks(const gost28147 *cipher, int decrypt, const uint8_t *in, size_t blocks,
                         uint8_t *out)
{
    for (; blocks--; in += GOST28147_BLOCK_SIZE, out += GOST28147_BLOCK_SIZE) {
        uint32_t low = load_le(in), high = load_le(in + 4);
        for (unsigned round = 0; round < 32; round++) {
            uint32_t key = encryption_key(cipher->round_key, decrypt ? 31 - round : round);
            uint32_t next = high ^ round_function(&cipher->tables, low + key);
            high = low;
            low = next;
        }
        /* The last round does not swap its halves. */
        store_le(out, high);
        store_le(out + 4, low);
    }
}

void gost28147_encrypt_blocks(const gost28147 *cipher, const uint8_t *in, size_t blocks,
                              uint8_t *out)
{
    crypt_blocks(cipher, 0, in, blocks, out);
}

void gost28147_decrypt_blocks(const gost28147 *cipher, const uint8_t *in, size_t blocks,
                              uint8_t *out)
{
    crypt_blocks(cipher, 1, in, blocks, out);
}
