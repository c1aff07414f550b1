/* Magma (RFC 8891: GOST 28147-89, big-endian, S-box Z) in MGM (RFC 9058), with a 64-bit tag. */
#ifndef TUNNEL_GATEWAY_MGM_H
#define TUNNEL_GATEWAY_MGM_H

#include <stddef.h>
#include <stdint.h>

#define MGM_KEY_SIZE 32
#define MGM_NONCE_SIZE 8
#define MGM_TAG_SIZE 8

typedef struct {
    uint32_t round_key[8];
} magma_mgm;

magma_mgm *magma_mgm_new(const uint8_t key[MGM_KEY_SIZE]);
void magma_mgm_free(magma_mgm *mgm);

/* One Magma block, for the known answers of RFC 8891. */
void magma_encrypt_block(const magma_mgm *mgm, const uint8_t in[8], uint8_t out[8]);

/* The top bit of the nonce must be clear. out may be in; it holds size bytes, the tag apart. */
void magma_mgm_seal(const magma_mgm *mgm, const uint8_t nonce[MGM_NONCE_SIZE],
                    const uint8_t *associated, size_t associated_size, const uint8_t *in,
                    size_t size, uint8_t *out, uint8_t tag[MGM_TAG_SIZE]);

/* 1 when the tag is right; otherwise 0, and out holds zeros. */
int magma_mgm_open(const magma_mgm *mgm, const uint8_t nonce[MGM_NONCE_SIZE],
                   const uint8_t *associated, size_t associated_size, const uint8_t *in,
                   size_t size, const uint8_t tag[MGM_TAG_SIZE], uint8_t *out);

#endif
