/*
 * The frames of STP (docs/stp.md) in both directions: counter, checksum, padding, all of it under
 * a cipher stream. A border of a frame means nothing.
 */
#ifndef TUNNEL_GATEWAY_STP_FRAMES_H
#define TUNNEL_GATEWAY_STP_FRAMES_H

#include "stream.h"

#include <stddef.h>
#include <stdint.h>

#define STP_BLOCK 8
#define STP_HEADER_SIZE 16
#define STP_MAX_PAYLOAD 4096 /* in one frame of ours */

typedef struct {
    gost_stream stream;
    uint32_t max_blocks; /* what the peer may say in one frame */
    uint32_t frames;     /* those that began */
    uint64_t payload;    /* how much of the frame is still to come */
    uint8_t padding;
    uint8_t header[STP_HEADER_SIZE], header_size; /* of a frame that is about to begin */
    uint8_t block[STP_BLOCK], block_size;         /* of ciphertext that is not a whole block */
} stp_reader;

typedef struct {
    gost_stream stream;
    uint64_t counter; /* of the next frame */
} stp_writer;

typedef enum { STP_NO_FAULT, STP_CHECKSUM, STP_COUNTER, STP_LENGTH } stp_fault;

/* What the header of a fault says. */
typedef struct {
    stp_fault fault;
    uint32_t counter, blocks, rest;
} stp_found;

/*
 * Decrypt whole blocks where they lie, and take the payload out of their frames: it stands at the
 * start of `data` then, and its size is returned. After a fault what came before it counts.
 */
size_t stp_read(stp_reader *reader, uint8_t *data, size_t size, stp_found *found);

/* How much room `size` bytes need in frames. */
size_t stp_room(size_t size);

/* Put `size` bytes into frames. 0 when the direction has had all of its frames. */
size_t stp_write(stp_writer *writer, const uint8_t *in, size_t size, uint8_t *out);

#endif
