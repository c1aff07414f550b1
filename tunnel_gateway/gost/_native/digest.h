/* GOST R 34.11-94 with the CryptoPro S-box (RFC 5831, RFC 4357 section 11.2), by libgcrypt. */
#ifndef TUNNEL_GATEWAY_DIGEST_H
#define TUNNEL_GATEWAY_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define GOST_DIGEST_SIZE 32

typedef struct gost_digest gost_digest;

gost_digest *gost_digest_new(void);
gost_digest *gost_digest_copy(const gost_digest *digest);
void gost_digest_free(gost_digest *digest);
void gost_digest_update(gost_digest *digest, const uint8_t *data, size_t size);

/* Ends the digest: copy it first to go on. */
void gost_digest_final(gost_digest *digest, uint8_t out[GOST_DIGEST_SIZE]);

/* HMAC_GOSTR3411 (RFC 4357, section 3); 0 without memory. */
int gost_hmac(const uint8_t *key, size_t key_size, const uint8_t *data, size_t size,
              uint8_t out[GOST_DIGEST_SIZE]);

#endif
