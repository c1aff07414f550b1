#include "stream.h"

#include "gost28147.h"

#include <stdlib.h>

/* Up to so many blocks, fours of them take less time than a whole batch. */
#define FEW 8
#define MESHED (1024 / STREAM_BLOCK)

/* The last one or the last four are padded with blocks of zeros. */
static void encrypt_blocks(const gost_stream *stream, uint64_t block[KERNEL_BLOCKS], size_t blocks)
{
    const kernel *kernel = stream->kernel;
    memset(block + blocks, 0, (KERNEL_BLOCKS - blocks) * sizeof *block);
    if (blocks > FEW)
        kernel->encrypt(stream->sbox, stream->round_key, block, block);
    else
        for (size_t i = 0; i < blocks; i += 4)
            kernel->few->four(stream->sbox, stream->round_key, 0, block + i);
}

static uint64_t encrypt_one(const gost_stream *stream, uint64_t one)
{
    uint64_t block[4] = {one, 0, 0, 0};
    stream->kernel->few->four(stream->sbox, stream->round_key, 0, block);
    one = block[0];
    gost_wipe(block, sizeof block);
    return one;
}

static void set_key(gost_stream *stream, const uint64_t key[4])
{
    for (int i = 0; i < 4; i++) {
        stream->round_key[2 * i] = (uint32_t)key[i];
        stream->round_key[2 * i + 1] = (uint32_t)(key[i] >> 32);
    }
}

int gost_stream_init(gost_stream *stream, const char *kernel_name, unsigned sbox, unsigned mode,
                     const uint8_t key[STREAM_KEY_SIZE], const uint8_t iv[STREAM_IV_SIZE])
{
    const kernel *kernel = kernel_find(kernel_name);
    uint64_t words[4];
    if (kernel == NULL || sbox >= SBOXES || mode >= STREAM_MODES)
        return 0;
    *stream = (gost_stream){.kernel = kernel, .sbox = (sbox_name)sbox, .mode = (stream_mode)mode};
    for (int i = 0; i < 4; i++)
        words[i] = block_load(key + 8 * i);
    set_key(stream, words);
    gost_wipe(words, sizeof words);
    stream->state = block_load(iv);
    if (mode == STREAM_SIC)
        stream->state = __builtin_bswap64(stream->state) - 1;
    if (mode == STREAM_GOFB)
        stream->state = encrypt_one(stream, stream->state);
    return 1;
}

void gost_stream_wipe(gost_stream *stream)
{
    gost_wipe(stream, sizeof *stream);
}

void gost_stream_save(const gost_stream *stream, uint8_t place[STREAM_PLACE_SIZE])
{
    const uint32_t head[2] = {(uint32_t)stream->sbox << 8 | (uint32_t)stream->mode, stream->served};
    memcpy(place, head, sizeof head);
    memcpy(place + sizeof head, stream->round_key, sizeof stream->round_key);
    memcpy(place + sizeof head + sizeof stream->round_key, &stream->state, sizeof stream->state);
}

int gost_stream_restore(gost_stream *stream, const uint8_t place[STREAM_PLACE_SIZE])
{
    uint32_t head[2];
    memcpy(head, place, sizeof head);
    if (head[0] >> 8 >= SBOXES || (head[0] & 0xff) >= STREAM_MODES || head[1] > MESHED)
        return 0;
    *stream = (gost_stream){.kernel = kernel_choose(),
                            .sbox = (sbox_name)(head[0] >> 8),
                            .mode = (stream_mode)(head[0] & 0xff),
                            .served = head[1]};
    memcpy(stream->round_key, place + sizeof head, sizeof stream->round_key);
    memcpy(&stream->state, place + sizeof head + sizeof stream->round_key, sizeof stream->state);
    return 1;
}

/* RFC 4357, section 2.3.2: the key becomes the decryption of a constant, the IV is encrypted. */
static void mesh(gost_stream *stream)
{
    static const uint8_t constant[STREAM_KEY_SIZE] = {
        0x69, 0x00, 0x72, 0x22, 0x64, 0xc9, 0x04, 0x23, 0x8d, 0x3a, 0xdb, 0x96, 0x46, 0xe9, 0x2a, 0xc4,
        0x18, 0xfe, 0xac, 0x94, 0x00, 0xed, 0x07, 0x12, 0xc0, 0x86, 0xdc, 0xc2, 0xef, 0x4c, 0xa9, 0x2b,
    };
    uint64_t key[4];
    for (int i = 0; i < 4; i++)
        key[i] = block_load(constant + STREAM_BLOCK * i);
    stream->kernel->few->four(stream->sbox, stream->round_key, 1, key);
    set_key(stream, key);
    gost_wipe(key, sizeof key);
    stream->state = encrypt_one(stream, stream->state);
    stream->served = 0;
}

/* How many of so many blocks the present key serves, which may be a new one after this. */
static size_t under_one_key(gost_stream *stream, size_t blocks)
{
    if (stream->mode != STREAM_GCFB)
        return blocks;
    if (stream->served == MESHED)
        mesh(stream);
    if (blocks > MESHED - stream->served)
        blocks = MESHED - stream->served;
    stream->served += (uint32_t)blocks;
    return blocks;
}

static void xor_blocks(const uint64_t *pad, const uint8_t *in, uint8_t *out, size_t blocks)
{
    for (size_t i = 0; i < blocks; i++)
        block_store(out + STREAM_BLOCK * i, block_load(in + STREAM_BLOCK * i) ^ pad[i]);
}

/* Or the compiler would save itself the index, and end the loop by the counter, a secret. */
static inline size_t opaque(size_t index)
{
    __asm__("" : "+r"(index));
    return index;
}

/* What goes into the cipher for these blocks, at least one: counters, */
static void count(gost_stream *stream, uint64_t *block, size_t blocks)
{
    const uint64_t last = stream->state;
    if (stream->mode == STREAM_SIC) {
        for (size_t i = 0; i < blocks; i++)
            block[i] = __builtin_bswap64(last + opaque(i + 1));
        stream->state = last + blocks;
        return;
    }
    for (size_t i = 0; i < blocks; i++) {
        uint32_t times = (uint32_t)opaque(i + 1);
        uint32_t low = (uint32_t)last + 0x01010101 * times;
        uint32_t high = (uint32_t)(last >> 32) + 0x01010104 * times;
        block[i] = (uint64_t)high << 32 | low;
    }
    stream->state = block[blocks - 1];
}

/* or the ciphertext, from the block before on. */
static void take_ciphertext(gost_stream *stream, const uint8_t *in, uint64_t *block, size_t blocks)
{
    for (size_t i = 0; i < blocks; i++) {
        block[i] = stream->state;
        stream->state = block_load(in + STREAM_BLOCK * i);
    }
}

/* Where no block waits for another. */
static void crypt_batches(gost_stream *stream, int counting, const uint8_t *in, uint8_t *out,
                          size_t blocks)
{
    uint64_t pad[KERNEL_BLOCKS];
    size_t most = blocks < KERNEL_BLOCKS ? blocks : KERNEL_BLOCKS;
    while (blocks > 0) {
        size_t part = blocks < KERNEL_BLOCKS ? blocks : KERNEL_BLOCKS;
        if (counting)
            count(stream, pad, part);
        else
            take_ciphertext(stream, in, pad, part);
        encrypt_blocks(stream, pad, part);
        xor_blocks(pad, in, out, part);
        in += STREAM_BLOCK * part;
        out += STREAM_BLOCK * part;
        blocks -= part;
    }
    gost_wipe(pad, most * sizeof *pad);
}

static void crypt_chain(gost_stream *stream, const uint8_t *in, uint8_t *out, size_t blocks)
{
    stream->kernel->few->chain(stream->sbox, stream->round_key, stream->mode == STREAM_OFB,
                               &stream->state, in, out, blocks);
}

static void crypt(gost_stream *stream, int decrypt, const uint8_t *in, uint8_t *out, size_t blocks)
{
    int counting = stream->mode == STREAM_SIC || stream->mode == STREAM_GOFB;
    while (blocks > 0) {
        size_t part = under_one_key(stream, blocks);
        if (counting || (decrypt && stream->mode != STREAM_OFB))
            crypt_batches(stream, counting, in, out, part);
        else
            crypt_chain(stream, in, out, part);
        in += STREAM_BLOCK * part;
        out += STREAM_BLOCK * part;
        blocks -= part;
    }
}

void gost_stream_encrypt(gost_stream *stream, const uint8_t *in, uint8_t *out, size_t blocks)
{
    crypt(stream, 0, in, out, blocks);
}

void gost_stream_decrypt(gost_stream *stream, const uint8_t *in, uint8_t *out, size_t blocks)
{
    crypt(stream, 1, in, out, blocks);
}

gost_stream *gost_stream_new(const char *kernel_name, unsigned sbox, unsigned mode,
                             const uint8_t key[STREAM_KEY_SIZE], const uint8_t iv[STREAM_IV_SIZE])
{
    gost_stream *stream = malloc(sizeof *stream);
    if (stream != NULL && !gost_stream_init(stream, kernel_name, sbox, mode, key, iv)) {
        free(stream);
        return NULL;
    }
    return stream;
}

void gost_stream_free(gost_stream *stream)
{
    if (stream == NULL)
        return;
    gost_stream_wipe(stream);
    free(stream);
}
