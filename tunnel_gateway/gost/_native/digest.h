/*
 * GOST R 34.11-94 with the CryptoPro S-box (RFC 5831, RFC 4357 section 11.2): by a kernel of our
 * own where the processor has what one needs, by libgcrypt elsewhere.
 */
#ifndef TUNNEL_GATEWAY_DIGEST_H
#define TUNNEL_GATEWAY_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define GOST_DIGEST_SIZE 32

typedef struct gost_digest gost_digest;

/*
 * kernel_name is NULL for the best kernel that this processor supports, here and below; NULL
 * without memory or without such a kernel.
 */
gost_digest *gost_digest_new(const char *kernel_name);
gost_digest *gost_digest_copy(const gost_digest *digest);
void gost_digest_free(gost_digest *digest);
void gost_digest_update(gost_digest *digest, const uint8_t *data, size_t size);

/* The digest of all that was added so far; more may follow. 0 without memory. */
int gost_digest_final(const gost_digest *digest, uint8_t out[GOST_DIGEST_SIZE]);

/* The digest of data that are there as a whole; 0 without memory or without such a kernel. */
int gost_digest_of(const char *kernel_name, const uint8_t *data, size_t size,
                   uint8_t out[GOST_DIGEST_SIZE]);

/* HMAC_GOSTR3411 (RFC 4357, section 3); 0 without memory or without such a kernel. */
int gost_hmac(const char *kernel_name, const uint8_t *key, size_t key_size, const uint8_t *data,
              size_t size, uint8_t out[GOST_DIGEST_SIZE]);

/*
 * Another digest of 32 bytes by its name in libgcrypt, to find out which digest somebody has made;
 * 0 without memory or without such a digest.
 */
int gost_digest_foreign(const char *name, const uint8_t *data, size_t size,
                        uint8_t out[GOST_DIGEST_SIZE]);

/* The names of the kernels that this processor supports, the best first; how many there are. */
size_t gost_digest_kernels(const char **names, size_t size);

#endif
