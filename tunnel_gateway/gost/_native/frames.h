/*
 * Many messages of one key in one call: a stream cut into frames, each
 *
 *     type u8 | size u16 | MGM ciphertext of (content u8 | payload) | tag 8
 *
 * with the three bytes of its header as associated data, and as nonce the key's IV XOR the
 * number of the frame under this key.
 */
#ifndef TUNNEL_GATEWAY_FRAMES_H
#define TUNNEL_GATEWAY_FRAMES_H

#include "mgm.h"

#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER_SIZE 3
#define FRAME_OVERHEAD (FRAME_HEADER_SIZE + 1 + 8)
#define FRAME_STARTS (KERNEL_BLOCKS / 2)

typedef struct {
    magma_mgm mgm;
    uint64_t iv, number;
    /* The starts of the frames from number - number % FRAME_STARTS on: one batch for all of them. */
    mgm_start start[FRAME_STARTS];
} frames;

/*
 * One direction in memory of the caller, who wipes it; `number` is that of the next frame.
 * kernel NULL: the best one.
 */
void frames_init(frames *frames, const kernel *kernel, const uint8_t key[32],
                 const uint8_t iv[8], uint64_t number);

/* NULL without memory or without that kernel; kernel_name NULL: the best one. */
frames *frames_new(const char *kernel_name, const uint8_t key[32], const uint8_t iv[8]);
void frames_free(frames *frames);

/*
 * Seal size bytes into full frames of max_payload bytes and a last one with the rest, at least
 * one frame and at most max_frames. out has room for all of them. How many of the bytes they
 * hold is returned.
 */
size_t frames_seal(frames *frames, uint8_t type, uint8_t content, const uint8_t *in, size_t size,
                   size_t max_payload, size_t max_frames, uint8_t *out);

typedef struct {
    size_t frames;   /* opened, all genuine */
    size_t taken;    /* bytes of the input that they were */
    size_t payload;  /* bytes of their payloads in the output, without the one that stands apart */
    size_t last;     /* bytes of the payload that stands apart, after the others */
    int content;     /* the content type of that last frame; -1 if there is none */
    int forged;      /* whether the frame after these is not genuine */
} frames_opened;

/*
 * Open whole frames of `type` from the start of the input: as many as there are, at most
 * max_frames, up to the first of another type, over max_size or not whole, and up to and with
 * the first that holds no bytes or whose content is not `content`. out has room for size bytes; it holds nothing that
 * is not genuine when this returns. out may not overlap in.
 */
void frames_open(frames *frames, uint8_t type, uint8_t content, const uint8_t *in, size_t size,
                 size_t max_size, size_t max_frames, uint8_t *out, frames_opened *opened);

#endif
