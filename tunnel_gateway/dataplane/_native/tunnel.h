/*
 * One open tunnel: protected records on the client's socket, plain bytes on the other. All
 * decisions of a relay are here: ends, limits, back-pressure, alerts, and one reason of the end.
 */
#ifndef TUNNEL_GATEWAY_TUNNEL_H
#define TUNNEL_GATEWAY_TUNNEL_H

#include "endpoint.h"
#include "page_frames.h"
#include "plane.h"
#include "records.h"
#include "stp_part.h"
#include "timers.h"

#include <stdatomic.h>

/* The most that one turn reads from a socket. */
#define TURN_SIZE ((size_t)256 * 1024)

/* The bodies of the plane's own alerts. */
typedef struct {
    size_t size;
    uint8_t data[PLANE_MAX_ALERT];
} plane_alert;

/*
 * What a tunnel works with in its turn: the buffers of the thread, the alerts, and the time. The
 * buffers are not wiped between turns, as this would cost for each byte: they stand in no core dump,
 * only what was received or made in a turn is read in it, and they go with the thread.
 */
typedef struct {
    uint8_t *in, *out; /* IN_SIZE and OUT_SIZE bytes */
    const plane_alert *alerts;
    int64_t now;
    size_t records; /* how many were opened */
    uint64_t bytes_up, bytes_down; /* what was carried, of all tunnels */
} turn;

#define IN_SIZE (MAX_RECORD + TURN_SIZE)
#define OUT_SIZE (IN_SIZE + (TURN_SIZE / MAX_PAYLOAD + 2) * FRAME_OVERHEAD)

/* What is carried one way, and how fast it may be. */
typedef struct {
    _Atomic uint64_t count;
    double taken; /* tokens of the bandwidth that have not come back yet */
    int64_t taken_at, resume;
    uint8_t ended;
} direction;

/* What only the tunnels of pages have. */
typedef struct {
    page_frames frames;
    size_t close_size;
    uint8_t close[PLANE_MAX_PAGE_CLOSE];
    uint8_t farewell_awaited;
} page_part;

struct tunnel {
    timer timer; /* the first member: a timer is its tunnel */
    uint64_t id;
    void *worker;
    endpoint client, socket;
    record_keys up_keys, down_keys;
    direction up, down;
    uint8_t *begun; /* the beginning of a record of the client */
    size_t begun_size, begun_room;
    size_t read_room; /* how much of the client is read at once: little of tiny records */
    int64_t idle_ns, half_close_ns;
    int64_t active, lifetime_end, half_close_end;
    double bandwidth;
    page_part *page;
    stp_part *stp; /* NULL: our own protocol */
    int state;
    tunnel_ending ending;
    tunnel *before, *after; /* of the same worker */
    tunnel *next_turn; /* in a queue of its worker */
    tunnel *next_news; /* in that of the plane */
    uint8_t queued, ended_told, closed_told;
    uint8_t in_news, ended_is_news, closed_is_news;
};

/* 0 without memory, or for a spec out of bounds; nothing is kept of it then. */
int tunnel_init(tunnel *tunnel, const tunnel_spec *spec);
/* Wipe and free what it has; its descriptors are left alone. */
void tunnel_clear(tunnel *tunnel);

/* Begin with what was read before, which is not more than TURN_SIZE of each. */
void tunnel_begin(tunnel *tunnel, const tunnel_spec *spec, int poll, turn *turn);
/* Carry at most `size` bytes each way. Returns whether more are at hand. */
int tunnel_turn(tunnel *tunnel, size_t size, turn *turn);
/* See which deadlines have come. */
void tunnel_expire(tunnel *tunnel, turn *turn);
/* End it at once, for want of memory. */
void tunnel_abandon(tunnel *tunnel, turn *turn);
void tunnel_stop(tunnel *tunnel, plane_bytes alert, turn *turn);
void tunnel_farewell(tunnel *tunnel, plane_bytes last, turn *turn);

/* When tunnel_expire and a turn are due. */
int64_t tunnel_deadline(const tunnel *tunnel, int64_t now);
/* Whether both descriptors are closed. */
int tunnel_closed(const tunnel *tunnel);

#endif
