/*
 * The protected records of one direction (docs/protocol.md): opened, sealed, and the ratchet of
 * their keys. Each key serves RECORDS_PER_KEY records, then its successor takes over.
 */
#ifndef TUNNEL_GATEWAY_RECORDS_H
#define TUNNEL_GATEWAY_RECORDS_H

#include "frames.h"

#include <stddef.h>
#include <stdint.h>

#define SECRET_SIZE 32
#define MAX_PAYLOAD 16384
#define MAX_FRAGMENT (1 + MAX_PAYLOAD + MGM_TAG_SIZE)
#define MAX_RECORD (FRAME_HEADER_SIZE + MAX_FRAGMENT)
#define MAX_HELLO 1024
#define MAX_ALERT 257
#define RECORDS_PER_KEY 256

enum { RECORD_HELLO = 1, RECORD_PROTECTED = 2, RECORD_ALERT = 3 };
enum { CONTENT_HANDSHAKE = 1, CONTENT_DATA = 2, CONTENT_CLOSE = 3, CONTENT_ALERT = 4 };

typedef struct {
    frames frames;
    uint8_t secret[SECRET_SIZE];
    uint32_t left; /* how many records the present key may still serve */
} record_keys;

/* left: 1 to RECORDS_PER_KEY, or 0 for a key that has served. 0 is returned without memory. */
int record_keys_init(record_keys *keys, const uint8_t secret[SECRET_SIZE], uint32_t left);

/*
 * Open the protected records at the start of the input, all that one key opens: see frames_open.
 * 0 without memory for the next key.
 */
int records_open(record_keys *keys, const uint8_t *in, size_t size, uint8_t *out,
                 frames_opened *opened);

/* How much room `size` bytes need when they are sealed. */
size_t records_room(size_t size);

/*
 * Seal size bytes of one content in as many records as they need, at least one; `in` is not NULL.
 * Returns the size of the records; 0 without memory for the next key.
 */
size_t records_seal(record_keys *keys, uint8_t content, const uint8_t *in, size_t size,
                    uint8_t *out);

#endif
