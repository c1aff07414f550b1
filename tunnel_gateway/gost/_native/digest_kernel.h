/*
 * The step function of GOST R 34.11-94 (RFC 5831, section 5), which each kind of processor does
 * in its own way.
 *
 * No kernel has a branch or a memory address that depends on what is digested.
 */
#ifndef TUNNEL_GATEWAY_DIGEST_KERNEL_H
#define TUNNEL_GATEWAY_DIGEST_KERNEL_H

#include <stdint.h>

#define DIGEST_BLOCK 32

typedef struct {
    const char *name;

    int (*supported)(void);

    /* hash = the step hash function of hash and block; NULL where libgcrypt does it all. */
    void (*step)(uint8_t hash[DIGEST_BLOCK], const uint8_t block[DIGEST_BLOCK]);
} digest_kernel;

#if defined(__x86_64__)
extern const digest_kernel digest_avx2;
extern const digest_kernel digest_avx512;
#endif

/* id-GostR3411-94-CryptoProParamSet (RFC 4357, section 11.2), row 0 for the lowest four bits. */
#define DIGEST_SBOX                                                                      \
    {                                                                                    \
        {10, 4, 5, 6, 8, 1, 3, 7, 13, 12, 14, 0, 9, 2, 11, 15},                          \
            {5, 15, 4, 0, 2, 13, 11, 9, 1, 7, 6, 3, 12, 14, 10, 8},                      \
            {7, 15, 12, 14, 9, 4, 1, 0, 3, 11, 5, 2, 6, 10, 8, 13},                      \
            {4, 10, 7, 12, 0, 15, 2, 8, 14, 1, 6, 5, 13, 11, 9, 3},                      \
            {7, 6, 4, 11, 9, 12, 2, 10, 1, 8, 0, 14, 15, 13, 3, 5},                      \
            {7, 6, 2, 4, 13, 9, 15, 0, 10, 1, 5, 11, 8, 14, 12, 3},                      \
            {13, 14, 4, 1, 7, 0, 5, 10, 3, 12, 8, 15, 6, 2, 9, 11},                      \
            {1, 3, 10, 9, 5, 11, 4, 15, 8, 6, 7, 14, 13, 0, 2, 12},                      \
    }

#endif
