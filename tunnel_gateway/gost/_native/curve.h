/* GOST R 34.10-2001 on the curves "CryptoPro-A", "CryptoPro-B" and "CryptoPro-C". */
#ifndef TUNNEL_GATEWAY_CURVE_H
#define TUNNEL_GATEWAY_CURVE_H

#include <stdint.h>

/*
 * Numbers are 32 bytes big-endian, points 64 bytes: x then y, both big-endian.
 * Every function returns 1 when it has an answer and 0 when there is none: for another curve's
 * name, a point that is not a finite one of the curve, a scalar, d, e or k outside 1 to n - 1.
 * The output is no result then. Time depends on the points, on e in the checks of signatures
 * and on signatures; never on a scalar, d, k or a product.
 */
int gost_curve_multiply(const char *curve, const uint8_t scalar[32], const uint8_t point[64],
                        uint8_t product[64]);
int gost_curve_multiply_base(const char *curve, const uint8_t scalar[32], uint8_t product[64]);

/* (ukm * d mod n) * point: the shared point of VKO (RFC 4357, section 5.2). */
int gost_curve_agree(const char *curve, const uint8_t d[32], const uint8_t ukm[8],
                     const uint8_t point[64], uint8_t shared[64]);

/* 0 when k gives r = 0 or s = 0: try another k. signature: s then r. */
int gost_curve_sign(const char *curve, const uint8_t d[32], const uint8_t e[32],
                    const uint8_t k[32], uint8_t signature[64]);

int gost_curve_verify(const char *curve, const uint8_t point[64], const uint8_t e[32],
                      const uint8_t signature[64]);

/*
 * A public key that signs often, with a table of its multiples: some 50 KB. A check takes a third
 * of the time then. NULL without memory, and as above.
 */
typedef struct gost_known_point gost_known_point;
gost_known_point *gost_curve_know(const char *curve, const uint8_t point[64]);
void gost_curve_forget(gost_known_point *known);
int gost_curve_verify_known(const gost_known_point *known, const uint8_t e[32],
                            const uint8_t signature[64]);

/* Sets libgcrypt up for digest.c; 0 when the library is too old. */
int gost_curve_initialize(void);

#endif
