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

#endif
