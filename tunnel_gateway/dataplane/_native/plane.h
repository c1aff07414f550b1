/*
 * The data plane: threads that carry the bytes of open tunnels, without Python's lock.
 *
 * Python gives both sockets of a tunnel with its secrets and limits, and hears of it again in the
 * news: that it has ended, and that its descriptors are closed. Nothing here calls Python.
 *
 * Who owns what: the descriptors are the plane's from a successful plane_add on. A tunnel belongs
 * to one thread. Others may read its counts until it is released, and its end once it has ended.
 */
#ifndef TUNNEL_GATEWAY_PLANE_H
#define TUNNEL_GATEWAY_PLANE_H

#include <stddef.h>
#include <stdint.h>

#define PLANE_MAX_ALERT 257
#define PLANE_MAX_PAGE_CLOSE 127

typedef struct plane plane;
typedef struct tunnel tunnel;

typedef struct {
    const uint8_t *data;
    size_t size;
} plane_bytes;

/* The bodies of the alerts that the plane sends by itself, at most PLANE_MAX_ALERT bytes each. */
enum {
    PLANE_ALERT_PROTOCOL_ERROR,
    PLANE_ALERT_BAD_RECORD,
    PLANE_ALERT_TIMED_OUT,
    PLANE_ALERT_SOCKET_LOST,
    PLANE_ALERT_OVERLOADED,
    PLANE_ALERTS
};

/* How a tunnel ends. Faults of the peer have what the text about them needs. */
enum {
    PLANE_RUNNING,
    PLANE_COMPLETED,
    PLANE_PEER_LEFT,
    PLANE_PEER_LOST,   /* number: errno */
    PLANE_SOCKET_LOST, /* number: errno */
    PLANE_TRUNCATED,   /* detail: the state */
    PLANE_BAD_RECORD,
    PLANE_ALERT, /* body: the alert that came */
    PLANE_IDLE,
    PLANE_HALF_CLOSE,
    PLANE_LIFETIME,
    PLANE_STOPPED,
    PLANE_OVERLOADED,   /* no memory */
    PLANE_UNKNOWN_TYPE, /* number: of the record */
    PLANE_RECORD_SIZE,  /* detail: the record's type, number: its size */
    PLANE_OUT_OF_PLACE, /* detail: the state, number: the step */
    PLANE_UNKNOWN_CONTENT, /* number: of the content */
    PLANE_EMPTY_DATA,
    PLANE_CLOSE_PAYLOAD,
    PLANE_ALERT_LENGTH,
    PLANE_STP_CHECKSUM, /* number: 0 if it was the first frame */
    PLANE_STP_COUNTER,  /* number: what came, detail: what was awaited */
    PLANE_STP_LENGTH,   /* number: blocks, detail: rest */
    PLANE_STP_SPENT     /* the direction to the client has had all of its frames */
};

/* The states and steps of docs/protocol.md that an open tunnel knows. */
enum { PLANE_OPEN, PLANE_LOCAL_CLOSED, PLANE_REMOTE_CLOSED, PLANE_CLOSED };
enum {
    PLANE_STEP_HELLO,
    PLANE_STEP_HANDSHAKE,
    PLANE_STEP_DATA,
    PLANE_STEP_CLOSE,
    PLANE_STEP_ALERT,
    PLANE_STEP_CLEAR_ALERT
};

typedef struct {
    int reason, detail, number;
    size_t size;
    uint8_t body[PLANE_MAX_ALERT];
} tunnel_ending;

/* Where the frames of an STP tunnel stand (docs/stp.md). */
typedef struct {
    uint8_t up_place[48], down_place[48]; /* of both cipher streams, see gost_stream_save */
    uint64_t up_frames, down_frames;      /* that began */
    uint64_t up_payload, up_padding;      /* what the last one of the client lacks */
    plane_bytes up_header, up_block;      /* of a header, and of a block of ciphertext */
    uint32_t max_blocks;                  /* what the client may say in one frame */
    int acknowledge;                      /* what comes at once: the client waits for it */
    uint64_t hold_ns;                     /* from our last bytes to the close */
} plane_stp;

typedef struct {
    uint64_t id;        /* the caller's name for it in the news */
    int client, socket; /* descriptors that do not block */
    uint8_t up_secret[32], down_secret[32]; /* traffic secrets; up is from client to socket */
    uint32_t up_left, down_left;            /* how many records the present keys may still serve */
    int peer_closed;                        /* the client's close record has come */
    plane_bytes begun;                      /* the first bytes of a record of the client */
    plane_bytes up, down;                   /* plain bytes that were read before */
    /* Nanoseconds, and bytes a second each way; 0 of the last two: no limit. */
    uint64_t idle_ns, half_close_ns, lifetime_ns, bandwidth;
    int page;               /* the socket is a page's: its end awaits plane_farewell */
    plane_bytes page_close; /* goes before the end of our data where a close frame fits */
    const plane_stp *stp;   /* NULL: our own protocol; otherwise no secrets and nothing `begun` */
} tunnel_spec;

/* NULL and errno; the threads have started on return. */
plane *plane_new(size_t workers, const plane_bytes alerts[PLANE_ALERTS]);
/* Ends the threads, and closes every socket that is still there. */
void plane_free(plane *plane);

/* NULL without memory or for a spec out of bounds; the descriptors then stay the caller's. */
tunnel *plane_add(plane *plane, const tunnel_spec *spec);
/* End the tunnel and tell the client; nothing if it has ended. 0 without memory. */
int plane_stop(plane *plane, tunnel *tunnel, plane_bytes alert);
/* The last bytes for the page of a tunnel that has ended, maybe none. 0 without memory. */
int plane_farewell(plane *plane, tunnel *tunnel, plane_bytes last);
/* After `closed`: the pointer is gone. */
void tunnel_release(plane *plane, tunnel *tunnel);

typedef struct {
    uint64_t id;
    int ended, closed;
} plane_news;

/* Readable when there are news. */
int plane_news_fd(const plane *plane);
/* The next news; call it until it returns less than `room`. */
size_t plane_take_news(plane *plane, plane_news *news, size_t room);

/* After `ended`. */
void tunnel_end(const tunnel *tunnel, tunnel_ending *ending);
/* After `ended`: bit 0, the page was told something; bit 1, a close frame may follow. */
int tunnel_page_state(const tunnel *tunnel);
/* Plain bytes so far. */
void tunnel_counts(const tunnel *tunnel, uint64_t *up, uint64_t *down);

typedef struct {
    uint64_t tunnels, wakeups, turns, bytes_up, bytes_down, busy_ns;
} worker_figures;

size_t plane_workers(const plane *plane);
void plane_figures(const plane *plane, size_t worker, worker_figures *figures);

#endif
