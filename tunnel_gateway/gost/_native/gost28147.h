/* GOST 28147-89 (RFC 5830): the block cipher with any S-box, in both byte orders. */
#ifndef TUNNEL_GATEWAY_GOST28147_H
#define TUNNEL_GATEWAY_GOST28147_H

#include <stddef.h>
#include <stdint.h>

#define GOST28147_KEY_SIZE 32
#define GOST28147_BLOCK_SIZE 8
#define GOST28147_SBOX_SIZE 128

/* An S-box with the rotation by 11 folded in: one table for each byte of the word. */
typedef struct {
    uint32_t byte[4][256];
} gost28147_tables;

typedef struct {
    uint32_t round_key[8];
    gost28147_tables tables;
} gost28147;

/* sbox: eight rows of sixteen nibbles; row 0 substitutes the lowest four bits. */
void gost28147_expand(gost28147_tables *tables, const uint8_t sbox[GOST28147_SBOX_SIZE]);

/* The cipher as GOST 28147-89 writes it: key and blocks are little-endian words. */
gost28147 *gost28147_new(const uint8_t key[GOST28147_KEY_SIZE],
                         const uint8_t sbox[GOST28147_SBOX_SIZE]);
void gost28147_free(gost28147 *cipher);
void gost28147_encrypt_blocks(const gost28147 *cipher, const uint8_t *in, size_t blocks,
                              uint8_t *out);
void gost28147_decrypt_blocks(const gost28147 *cipher, const uint8_t *in, size_t blocks,
                              uint8_t *out);

/* Memory that held a secret is overwritten where the compiler cannot drop the writes. */
void gost_wipe(void *memory, size_t size);

#endif
