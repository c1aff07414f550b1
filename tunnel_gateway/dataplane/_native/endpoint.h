/* One socket of a tunnel: bytes in, bytes out with what could not be sent yet, and its close. */
#ifndef TUNNEL_GATEWAY_ENDPOINT_H
#define TUNNEL_GATEWAY_ENDPOINT_H

#include <stddef.h>
#include <stdint.h>

/* How long a close waits for a slow peer to take what was written. */
#define FLUSH_NS (30 * INT64_C(1000000000))
/*
 * How long it then waits for the peer to end its side too. Closing a socket with unread bytes
 * resets it, and a reset can overtake the alert that was written last.
 */
#define LINGER_NS (2 * INT64_C(1000000000))

typedef struct {
    struct tunnel *tunnel;
    int fd; /* -1 when closed */
    int poll;
    uint8_t *unsent; /* NULL when everything was sent */
    size_t unsent_size, unsent_start;
    int64_t deadline; /* of its close */
    int64_t hold;     /* our data end no earlier than this */
    uint8_t readable; /* there may be bytes, or the end */
    uint8_t hung;     /* the peer's end was announced: read on until it comes */
    uint8_t ended;    /* the peer's data have ended */
    uint8_t shutting; /* our data end when all of it was sent */
    uint8_t shut;     /* they have ended */
    uint8_t closing;
} endpoint;

/* Nothing is sent or received by this. */
void endpoint_init(endpoint *end, struct tunnel *tunnel, int fd, int poll);

/* Whether receiving may give something; after the end of the peer's data it never does. */
int endpoint_readable(const endpoint *end);

typedef enum { RECEIVED_DATA, RECEIVED_END, RECEIVED_NOTHING, RECEIVED_ERROR } received;

/* Receive at most `room` bytes; *error is an errno after RECEIVED_ERROR. */
received endpoint_receive(endpoint *end, uint8_t *data, size_t room, size_t *size, int *error);

/* Send, or keep what the socket does not take now. Returns 0 or an errno. */
int endpoint_send(endpoint *end, const uint8_t *data, size_t size);

/* Send what was kept, and end our data if they are to end. Returns 0 or an errno. */
int endpoint_flush(endpoint *end);

/* End our data once everything is sent. */
void endpoint_shut(endpoint *end);

/* Send everything, end our data, wait for the peer's end, close; all within bounds of time. */
void endpoint_close(endpoint *end, int64_t now);

/* Go on with a close; at most `size` bytes that come in are dropped into `scratch`. */
void endpoint_go_on_closing(endpoint *end, int64_t now, uint8_t *scratch, size_t size);

/* Close now. */
void endpoint_abort(endpoint *end);

#endif
