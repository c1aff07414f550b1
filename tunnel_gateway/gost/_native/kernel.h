/*
 * The parts of GOST 28147-89 and of MGM that each kind of processor does in its own way.
 *
 * No kernel has a branch or a memory address that depends on a secret.
 */
#ifndef TUNNEL_GATEWAY_KERNEL_H
#define TUNNEL_GATEWAY_KERNEL_H

#include "kernel_few.h"
#include "sboxes.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAGMA_BLOCK 8
#define KERNEL_BLOCKS 64

/* A sum of carry-less products, 128 bits, not yet reduced. */
typedef struct {
    uint64_t low, high;
} product_sum;

typedef struct {
    const char *name;

    int (*supported)(void);

    /*
     * KERNEL_BLOCKS blocks, each a number: Magma's blocks and key words with their top byte first
     * on the wire, those of GOST 28147-89 with their lowest.
     */
    void (*encrypt)(sbox_name sbox, const uint32_t round_key[8], const uint64_t in[KERNEL_BLOCKS],
                    uint64_t out[KERNEL_BLOCKS]);

    /*
     * ciphertext = text ^ stream, and sum += mask * ciphertext, for any number of whole blocks;
     * seal takes the text and open the ciphertext. out may be in.
     */
    void (*seal)(product_sum *sum, const uint64_t *stream, const uint64_t *mask,
                 const uint8_t *in, uint8_t *out, size_t blocks);
    void (*open)(product_sum *sum, const uint64_t *stream, const uint64_t *mask,
                 const uint8_t *in, uint8_t *out, size_t blocks);

    const kernel_few *few;
} kernel;

/* Every kernel that this build holds, the best first; the last one is always supported. */
extern const kernel *const kernels[];
extern const size_t kernel_count;

/* The best kernel that this processor supports. */
const kernel *kernel_choose(void);

/* The kernel of a name, or the best for NULL; NULL if there is none, or not on this processor. */
const kernel *kernel_find(const char *name);

/* The names of the kernels that this processor supports, the best first; how many there are. */
size_t kernel_names(const char **names, size_t size);

extern const kernel kernel_portable;
#if defined(__x86_64__)
extern const kernel kernel_avx2;
extern const kernel kernel_avx512;
#elif defined(__aarch64__)
extern const kernel kernel_neon;
#endif

/* A block of GOST 28147-89 as a number. */
static inline uint64_t block_load(const uint8_t in[8])
{
    uint64_t block;
    memcpy(&block, in, sizeof block);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    block = __builtin_bswap64(block);
#endif
    return block;
}

static inline void block_store(uint8_t out[8], uint64_t block)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    block = __builtin_bswap64(block);
#endif
    memcpy(out, &block, sizeof block);
}

/* Round i uses the key words forwards three times, then once backwards. */
static inline uint32_t magma_round_key(const uint32_t round_key[8], unsigned round)
{
    return round_key[round < 24 ? round & 7 : 31 - round];
}

#endif
