#include "mgm.h"

#include "gost28147.h"

#include <stdlib.h>
#include <string.h>

#define HALF (KERNEL_BLOCKS / 2)
#define MASK_BIT ((uint64_t)1 << 63)

uint64_t magma_load(const uint8_t in[8])
{
    uint64_t word = 0;
    for (unsigned i = 0; i < 8; i++)
        word = word << 8 | in[i];
    return word;
}

void magma_store(uint8_t out[8], uint64_t word)
{
    for (unsigned i = 8; i--; word >>= 8)
        out[i] = (uint8_t)word;
}

/* incr_r of RFC 9058, n times: the right half counts and does not carry into the left one. */
static uint64_t advance_right(uint64_t block, uint32_t n)
{
    return (block & 0xffffffff00000000) | (uint32_t)((uint32_t)block + n);
}

/* incr_l of RFC 9058, n times: the left half counts. */
static uint64_t advance_left(uint64_t block, uint32_t n)
{
    return block + ((uint64_t)n << 32);
}

void magma_mgm_init(magma_mgm *mgm, const kernel *kernel, const uint8_t key[MGM_KEY_SIZE])
{
    mgm->kernel = kernel != NULL ? kernel : kernel_choose();
    for (unsigned i = 0; i < 4; i++) {
        uint64_t pair = magma_load(key + 8 * i);
        mgm->round_key[2 * i] = (uint32_t)(pair >> 32);
        mgm->round_key[2 * i + 1] = (uint32_t)pair;
    }
}

void mgm_starts(const magma_mgm *mgm, const uint64_t nonce[HALF], mgm_start start[HALF])
{
    uint64_t block[KERNEL_BLOCKS];
    for (unsigned i = 0; i < HALF; i++) {
        block[i] = nonce[i];
        block[HALF + i] = nonce[i] | MASK_BIT;
    }
    mgm->kernel->encrypt(SBOX_Z, mgm->round_key, block, block);
    for (unsigned i = 0; i < HALF; i++)
        start[i] = (mgm_start){block[i], block[HALF + i]};
    gost_wipe(block, sizeof block);
}

static void refill(mgm_message *message)
{
    for (unsigned i = 0; i < HALF; i++) {
        message->pad[i] = advance_right(message->next.stream, i);
        message->pad[HALF + i] = advance_left(message->next.mask, i);
    }
    message->next.stream = advance_right(message->next.stream, HALF);
    message->next.mask = advance_left(message->next.mask, HALF);
    message->mgm->kernel->encrypt(SBOX_Z, message->mgm->round_key, message->pad, message->pad);
    message->used = 0;
}

/* Add a block that is not text: it takes a mask, and the key stream beside it goes unused. */
static void add_block(mgm_message *message, const uint8_t block[MAGMA_BLOCK])
{
    uint8_t unused[MAGMA_BLOCK];
    if (message->used == HALF)
        refill(message);
    message->mgm->kernel->open(&message->sum, message->pad + message->used,
                               message->pad + HALF + message->used, block, unused, 1);
    message->used++;
    gost_wipe(unused, sizeof unused);
}

void mgm_begin(mgm_message *message, const magma_mgm *mgm, mgm_start start,
               const uint8_t *associated, size_t associated_size)
{
    size_t blocks = (associated_size + MAGMA_BLOCK - 1) / MAGMA_BLOCK;
    message->mgm = mgm;
    message->used = HALF;
    message->sum = (product_sum){0, 0};
    message->associated_size = associated_size;
    message->size = 0;
    /* The two streams advance together, so the key stream starts early by the blocks that
       need a mask only. */
    message->next = (mgm_start){advance_right(start.stream, -(uint32_t)blocks), start.mask};
    for (; associated_size >= MAGMA_BLOCK; associated_size -= MAGMA_BLOCK) {
        add_block(message, associated);
        associated += MAGMA_BLOCK;
    }
    if (associated_size > 0) {
        uint8_t last[MAGMA_BLOCK] = {0};
        memcpy(last, associated, associated_size);
        add_block(message, last);
    }
}

/* A last block that is not whole: its ciphertext is padded with zeros for the sum. */
static void crypt_last(mgm_message *message, int opening, const uint8_t *in, uint8_t *out,
                       size_t size)
{
    uint8_t text[MAGMA_BLOCK] = {0}, other[MAGMA_BLOCK];
    product_sum unused = {0, 0};
    if (message->used == HALF)
        refill(message);
    memcpy(text, in, size);
    message->mgm->kernel->open(&unused, message->pad + message->used,
                               message->pad + HALF + message->used, text, other, 1);
    memcpy(out, other, size);
    memset(other + size, 0, sizeof other - size);
    add_block(message, opening ? text : other);
    gost_wipe(text, sizeof text);
    gost_wipe(other, sizeof other);
}

static inline void crypt(mgm_message *message, int opening, const uint8_t *in, uint8_t *out,
                         size_t size)
{
    const kernel *kernel = message->mgm->kernel;
    message->size += size;
    while (size >= MAGMA_BLOCK) {
        if (message->used == HALF)
            refill(message);
        size_t blocks = size / MAGMA_BLOCK, room = HALF - message->used;
        if (blocks > room)
            blocks = room;
        (opening ? kernel->open : kernel->seal)(&message->sum, message->pad + message->used,
                                                message->pad + HALF + message->used, in, out, blocks);
        message->used += (unsigned)blocks;
        in += blocks * MAGMA_BLOCK;
        out += blocks * MAGMA_BLOCK;
        size -= blocks * MAGMA_BLOCK;
    }
    if (size > 0)
        crypt_last(message, opening, in, out, size);
}

void mgm_seal(mgm_message *message, const uint8_t *in, uint8_t *out, size_t size)
{
    crypt(message, 0, in, out, size);
}

void mgm_open(mgm_message *message, const uint8_t *in, uint8_t *out, size_t size)
{
    crypt(message, 1, in, out, size);
}

/* Modulo x^64 + x^4 + x^3 + x + 1. */
static uint64_t reduce(product_sum sum)
{
    uint64_t high = sum.high ^ sum.high >> 63 ^ sum.high >> 61 ^ sum.high >> 60;
    return sum.low ^ high ^ high << 1 ^ high << 3 ^ high << 4;
}

uint64_t mgm_sum(mgm_message *message)
{
    uint8_t lengths[MAGMA_BLOCK];
    magma_store(lengths, (uint64_t)message->associated_size << 35 | (uint32_t)(message->size << 3));
    add_block(message, lengths);
    return reduce(message->sum);
}

void mgm_tags(const magma_mgm *mgm, uint64_t *sum, size_t count)
{
    uint64_t block[KERNEL_BLOCKS] = {0};
    memcpy(block, sum, count * sizeof *sum);
    mgm->kernel->encrypt(SBOX_Z, mgm->round_key, block, block);
    memcpy(sum, block, count * sizeof *sum);
}

void mgm_wipe(mgm_message *message)
{
    gost_wipe(message, sizeof *message);
}

magma_mgm *magma_mgm_new(const char *kernel_name, const uint8_t key[MGM_KEY_SIZE])
{
    const kernel *chosen = kernel_find(kernel_name);
    magma_mgm *mgm = chosen != NULL ? malloc(sizeof *mgm) : NULL;
    if (mgm != NULL)
        magma_mgm_init(mgm, chosen, key);
    return mgm;
}

void magma_mgm_free(magma_mgm *mgm)
{
    if (mgm == NULL)
        return;
    gost_wipe(mgm, sizeof *mgm);
    free(mgm);
}

const char *magma_mgm_kernel(const magma_mgm *mgm)
{
    return mgm->kernel->name;
}

void magma_encrypt_block(const magma_mgm *mgm, const uint8_t in[8], uint8_t out[8])
{
    uint64_t block = magma_load(in);
    mgm_tags(mgm, &block, 1);
    magma_store(out, block);
}

static void begin_alone(mgm_message *message, const magma_mgm *mgm, const uint8_t nonce[8],
                        const uint8_t *associated, size_t associated_size)
{
    uint64_t nonces[HALF] = {magma_load(nonce)};
    mgm_start start[HALF];
    mgm_starts(mgm, nonces, start);
    mgm_begin(message, mgm, start[0], associated, associated_size);
}

void magma_mgm_seal(const magma_mgm *mgm, const uint8_t nonce[MGM_NONCE_SIZE],
                    const uint8_t *associated, size_t associated_size, const uint8_t *in,
                    size_t size, uint8_t *out, uint8_t tag[MGM_TAG_SIZE])
{
    mgm_message message;
    begin_alone(&message, mgm, nonce, associated, associated_size);
    mgm_seal(&message, in, out, size);
    uint64_t sum = mgm_sum(&message);
    mgm_tags(mgm, &sum, 1);
    magma_store(tag, sum);
    mgm_wipe(&message);
}

int magma_mgm_open(const magma_mgm *mgm, const uint8_t nonce[MGM_NONCE_SIZE],
                   const uint8_t *associated, size_t associated_size, const uint8_t *in,
                   size_t size, const uint8_t tag[MGM_TAG_SIZE], uint8_t *out)
{
    mgm_message message;
    uint64_t expected = magma_load(tag);
    begin_alone(&message, mgm, nonce, associated, associated_size);
    mgm_open(&message, in, out, size);
    uint64_t sum = mgm_sum(&message);
    mgm_tags(mgm, &sum, 1);
    mgm_wipe(&message);
    /* One comparison of whole words: its time does not tell where they differ. */
    if (sum == expected)
        return 1;
    memset(out, 0, size);
    return 0;
}
