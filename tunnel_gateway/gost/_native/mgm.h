/* Magma (RFC 8891: GOST 28147-89, big-endian, S-box Z) in MGM (RFC 9058), with a 64-bit tag. */
#ifndef TUNNEL_GATEWAY_MGM_H
#define TUNNEL_GATEWAY_MGM_H

#include "kernel.h"

#include <stddef.h>
#include <stdint.h>

#define MGM_KEY_SIZE 32
#define MGM_NONCE_SIZE 8
#define MGM_TAG_SIZE 8

typedef struct {
    const kernel *kernel;
    uint32_t round_key[8];
} magma_mgm;

/* What a nonce becomes: the first counters of the key stream and of the masks. */
typedef struct {
    uint64_t stream, mask;
} mgm_start;

/* One message in the making: its place in both streams, and its unreduced sum. */
typedef struct {
    const magma_mgm *mgm;
    mgm_start next;
    /* The key stream, and from KERNEL_BLOCKS / 2 on the masks. */
    uint64_t pad[KERNEL_BLOCKS];
    unsigned used;
    product_sum sum;
    size_t associated_size, size;
} mgm_message;

/* kernel NULL: the best one of this processor. */
void magma_mgm_init(magma_mgm *mgm, const kernel *kernel, const uint8_t key[MGM_KEY_SIZE]);

/* The starts of KERNEL_BLOCKS / 2 nonces, each a number with its top bit clear. */
void mgm_starts(const magma_mgm *mgm, const uint64_t nonce[KERNEL_BLOCKS / 2],
                mgm_start start[KERNEL_BLOCKS / 2]);

/*
 * A message: begin, all of the text, then the sum whose encryption is the tag. The text may
 * come in parts, all but the last in whole blocks. out may be in.
 */
void mgm_begin(mgm_message *message, const magma_mgm *mgm, mgm_start start,
               const uint8_t *associated, size_t associated_size);
void mgm_seal(mgm_message *message, const uint8_t *in, uint8_t *out, size_t size);
void mgm_open(mgm_message *message, const uint8_t *in, uint8_t *out, size_t size);
uint64_t mgm_sum(mgm_message *message);

/* The tags, as numbers, of count <= KERNEL_BLOCKS sums. */
void mgm_tags(const magma_mgm *mgm, uint64_t *sum, size_t count);

/* The key stream and masks of a message are secrets: wipe it when it is done. */
void mgm_wipe(mgm_message *message);

/* One whole message under a key of its own, as an AEAD. kernel NULL: the best one. */
magma_mgm *magma_mgm_new(const char *kernel_name, const uint8_t key[MGM_KEY_SIZE]);
void magma_mgm_free(magma_mgm *mgm);
const char *magma_mgm_kernel(const magma_mgm *mgm);
void magma_encrypt_block(const magma_mgm *mgm, const uint8_t in[8], uint8_t out[8]);
void magma_mgm_seal(const magma_mgm *mgm, const uint8_t nonce[MGM_NONCE_SIZE],
                    const uint8_t *associated, size_t associated_size, const uint8_t *in,
                    size_t size, uint8_t *out, uint8_t tag[MGM_TAG_SIZE]);

/* 1 when the tag is right; otherwise 0, and out holds zeros. */
int magma_mgm_open(const magma_mgm *mgm, const uint8_t nonce[MGM_NONCE_SIZE],
                   const uint8_t *associated, size_t associated_size, const uint8_t *in,
                   size_t size, const uint8_t tag[MGM_TAG_SIZE], uint8_t *out);

uint64_t magma_load(const uint8_t in[8]);
void magma_store(uint8_t out[8], uint64_t word);

#endif
