/*
 * GOST 28147-89 as a stream of whole blocks, in the modes of RFC 5830 and RFC 4357 and in two that
 * are older than all ciphers. There is no MAC: who alters the ciphertext alters the text.
 *
 * No branch and no memory address depends on the key, the text or the key stream.
 */
#ifndef TUNNEL_GATEWAY_STREAM_H
#define TUNNEL_GATEWAY_STREAM_H

#include "kernel.h"

#define STREAM_KEY_SIZE 32
#define STREAM_IV_SIZE 8
#define STREAM_BLOCK 8

typedef enum {
    /* Feedback of the ciphertext: RFC 5830, section 7. */
    STREAM_CFB,
    /* Feedback of the key stream. */
    STREAM_OFB,
    /* A counter, the IV being the first, that goes up by one: its first byte is the top one. */
    STREAM_SIC,
    /*
     * The counter of RFC 5830, section 6, from the encryption of the IV. Both its halves count
     * modulo 2^32: no carry comes back, which is where this differs from the RFC.
     */
    STREAM_GOFB,
    /* CFB with the key meshing of RFC 4357, section 2.3.2, before every further 1024 bytes. */
    STREAM_GCFB,
    STREAM_MODES
} stream_mode;

/* One direction; the caller gives the memory, and wipes it at the end by gost_stream_wipe. */
typedef struct {
    const kernel *kernel;
    sbox_name sbox;
    stream_mode mode;
    uint32_t round_key[8];
    uint64_t state; /* the feedback, or the last counter that was used up */
    uint32_t served; /* blocks under this key, counted in GCFB alone */
} gost_stream;

/* kernel_name NULL: the best one. 0 if there is no such kernel, S-box or mode. */
int gost_stream_init(gost_stream *stream, const char *kernel_name, unsigned sbox, unsigned mode,
                     const uint8_t key[STREAM_KEY_SIZE], const uint8_t iv[STREAM_IV_SIZE]);

/* The next blocks of the stream; out may be in. A stream is for one of these two. */
void gost_stream_encrypt(gost_stream *stream, const uint8_t *in, uint8_t *out, size_t blocks);
void gost_stream_decrypt(gost_stream *stream, const uint8_t *in, uint8_t *out, size_t blocks);

void gost_stream_wipe(gost_stream *stream);

/* Where a stream stands, with its key: for this machine only, and as secret as the key. */
#define STREAM_PLACE_SIZE 48
void gost_stream_save(const gost_stream *stream, uint8_t place[STREAM_PLACE_SIZE]);
/* Go on from there with the best kernel. 0 for a place that no stream has. */
int gost_stream_restore(gost_stream *stream, const uint8_t place[STREAM_PLACE_SIZE]);

/* The same in memory of its own; NULL without memory too. */
gost_stream *gost_stream_new(const char *kernel_name, unsigned sbox, unsigned mode,
                             const uint8_t key[STREAM_KEY_SIZE], const uint8_t iv[STREAM_IV_SIZE]);
void gost_stream_free(gost_stream *stream);

#endif
