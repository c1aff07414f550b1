/*
 * GOST 28147-89 where there are not enough blocks for a kernel's batch, above all where each block
 * waits for the one before. Every kernel has its own way for these, too.
 *
 * No branch and no memory address depends on a secret.
 */
#ifndef TUNNEL_GATEWAY_KERNEL_FEW_H
#define TUNNEL_GATEWAY_KERNEL_FEW_H

#include "sboxes.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    /* Four blocks, each a number as in kernel.h: encrypted, or decrypted if `decrypt`. */
    void (*four)(sbox_name sbox, const uint32_t round_key[8], int decrypt, uint64_t block[4]);

    /*
     * For each block, in the byte order of GOST 28147-89: out = in ^ the encryption of *feedback,
     * which is then that out, or, if `output`, the encryption alone. out may be in.
     */
    void (*chain)(sbox_name sbox, const uint32_t round_key[8], int output, uint64_t *feedback,
                  const uint8_t *in, uint8_t *out, size_t blocks);
} kernel_few;

extern const kernel_few few_portable;
#if defined(__x86_64__)
extern const kernel_few few_avx2;
extern const kernel_few few_avx512;
#elif defined(__aarch64__)
extern const kernel_few few_neon;
#endif

#endif
