/*
 * One thread of the data plane: it waits for events, and gives tunnels their turns.
 *
 * A tunnel that has an event gets a turn at once. A tunnel that has more than one turn's worth of
 * bytes waits in a second queue, of which one is served between two looks at the events: so bulk
 * does not delay keystrokes.
 */
#ifndef TUNNEL_GATEWAY_WORKER_H
#define TUNNEL_GATEWAY_WORKER_H

#include "commands.h"
#include "system.h"
#include "tunnel.h"

typedef struct worker worker;

/* Tunnels in the order in which they came. */
typedef struct {
    tunnel *first, *last;
} turn_queue;

struct worker {
    plane *plane;
    system_thread thread;
    int poll, wake;
    turn turn;
    timers timers;
    turn_queue fresh, bulk;
    commands commands;
    _Atomic int stopping;
    tunnel *tunnels; /* every one that is there */
    size_t here;     /* how many */
    _Atomic uint64_t count, wakeups, turns, bytes_up, bytes_down, busy_ns;
};

/* Starts the thread, one of several with a number. 0 and errno on failure. */
int worker_start(worker *worker, size_t number, plane *plane, const plane_alert *alerts);
/* Ends the thread. */
void worker_stop(worker *worker);
/* After that: closes what is left and frees everything. */
void worker_end(worker *worker);

/* 0 without memory; `bytes` are copied. */
int worker_command(worker *worker, command_kind kind, tunnel *tunnel, plane_bytes bytes);
/* A tunnel that is closed is not touched again by others. */
void worker_release(worker *worker, tunnel *tunnel);
/* As worker_command, for a tunnel that begins. */
int worker_add(worker *worker, tunnel *tunnel, const tunnel_spec *spec);

#endif
