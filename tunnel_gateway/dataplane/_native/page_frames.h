/*
 * The beginnings of a WebSocket's frames, on a stream whose bytes pass untouched: the answer to
 * the upgrade request, then frames (RFC 6455, section 5.2). Nothing of the stream is kept.
 */
#ifndef TUNNEL_GATEWAY_PAGE_FRAMES_H
#define TUNNEL_GATEWAY_PAGE_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#define STATUS_SIZE 13 /* of "HTTP/1.1 101 " */
#define MAX_FRAME_HEADER 14

typedef struct {
    uint64_t left; /* of the frame's payload */
    uint32_t head; /* bytes of the answer's head so far, with interim answers before it */
    uint8_t status[STATUS_SIZE], status_size, line_ends;
    uint8_t header[MAX_FRAME_HEADER], header_size, needed;
    uint8_t started;    /* the server said something */
    uint8_t answered;   /* the answer's head is over, and it switches */
    uint8_t lost;       /* no WebSocket, so there are no frames to follow */
    uint8_t close_seen; /* a close frame has begun */
} page_frames;

void page_frames_init(page_frames *frames);
void page_frames_follow(page_frames *frames, const uint8_t *data, size_t size);

/* Whether a close frame may be put in here: within no frame, and none was seen. */
int page_frames_may_close(const page_frames *frames);

#endif
