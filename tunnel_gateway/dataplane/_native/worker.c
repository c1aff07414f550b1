#include "worker.h"

#include "gost28147.h"
#include "plane_parts.h"
#include "system.h"

#include <errno.h>
#include <string.h>

#define MAX_EVENTS 256
#define MILLISECOND INT64_C(1000000)
/* Read at most this at once while other tunnels wait. */
#define SMALL_TURN ((size_t)64 * 1024)

/* --- queues of tunnels ---------------------------------------------------------------------- */

static void push(turn_queue *queue, tunnel *tunnel)
{
    if (tunnel->queued)
        return;
    tunnel->queued = 1;
    tunnel->next_turn = NULL;
    if (queue->last != NULL)
        queue->last->next_turn = tunnel;
    else
        queue->first = tunnel;
    queue->last = tunnel;
}

static tunnel *pop(turn_queue *queue)
{
    tunnel *tunnel = queue->first;
    if (tunnel == NULL)
        return NULL;
    queue->first = tunnel->next_turn;
    if (queue->first == NULL)
        queue->last = NULL;
    tunnel->queued = 0;
    return tunnel;
}

static void enter(worker *worker, tunnel *tunnel)
{
    tunnel->before = NULL;
    tunnel->after = worker->tunnels;
    if (tunnel->after != NULL)
        tunnel->after->before = tunnel;
    worker->tunnels = tunnel;
    worker->here++;
}

static void leave(worker *worker, tunnel *tunnel)
{
    if (tunnel->before != NULL)
        tunnel->before->after = tunnel->after;
    else
        worker->tunnels = tunnel->after;
    if (tunnel->after != NULL)
        tunnel->after->before = tunnel->before;
    worker->here--;
}

/* --- after something was done with a tunnel -------------------------------------------------- */

/* Tell the news, and set the timer. A tunnel in a queue is settled again after its turn. */
static void settle(worker *worker, tunnel *tunnel)
{
    if (tunnel_closed(tunnel) && !tunnel->queued) {
        timers_remove(&worker->timers, &tunnel->timer);
        if (!tunnel->closed_told) {
            tunnel->ended_told = tunnel->closed_told = 1;
            plane_tell(worker->plane, tunnel, 1);
        }
        return;
    }
    if (tunnel->ending.reason != PLANE_RUNNING && !tunnel->ended_told) {
        tunnel->ended_told = 1;
        plane_tell(worker->plane, tunnel, 0);
    }
    int64_t at = tunnel_deadline(tunnel, worker->turn.now);
    /* A timer that rings too early looks again: usual bytes move no timer. */
    if (at != NO_DEADLINE && (tunnel->timer.place == 0 || at < tunnel->timer.at))
        timers_set(&worker->timers, &tunnel->timer, at);
}

static void give_turn(worker *worker, tunnel *tunnel, size_t size)
{
    int more = tunnel_turn(tunnel, size, &worker->turn);
    atomic_fetch_add_explicit(&worker->turns, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&worker->bytes_up, worker->turn.bytes_up, memory_order_relaxed);
    atomic_fetch_add_explicit(&worker->bytes_down, worker->turn.bytes_down,
                              memory_order_relaxed);
    worker->turn.bytes_up = worker->turn.bytes_down = 0;
    if (more)
        push(&worker->bulk, tunnel);
    settle(worker, tunnel);
}

/* --- commands ------------------------------------------------------------------------------- */

static void wake_for(worker *worker, command *command)
{
    if (commands_send(&worker->commands, command))
        system_wake(worker->wake);
}

int worker_command(worker *worker, command_kind kind, tunnel *tunnel, plane_bytes bytes)
{
    command *command = command_new(kind, tunnel, bytes);
    if (command == NULL)
        return 0;
    wake_for(worker, command);
    return 1;
}

int worker_add(worker *worker, tunnel *tunnel, const tunnel_spec *spec)
{
    command *command = command_new_add(tunnel, spec);
    if (command == NULL)
        return 0;
    atomic_fetch_add_explicit(&worker->count, 1, memory_order_relaxed);
    wake_for(worker, command);
    return 1;
}

void worker_release(worker *worker, tunnel *tunnel)
{
    if (commands_release(&worker->commands, tunnel))
        system_wake(worker->wake);
}

static void add(worker *worker, tunnel *tunnel, const tunnel_spec *spec)
{
    enter(worker, tunnel);
    tunnel_begin(tunnel, spec, worker->poll, &worker->turn);
    if (!timers_reserve(&worker->timers, worker->here)) /* nothing would end it in time */
        tunnel_abandon(tunnel, &worker->turn);
}

static void obey(worker *worker, const command *command)
{
    tunnel *tunnel = command->tunnel;
    /* It may be let go right after this, and stand in no queue then. */
    if (tunnel->closed_told)
        return;
    switch (command->kind) {
    case COMMAND_ADD:
        add(worker, tunnel, &command->spec);
        break;
    case COMMAND_STOP:
        tunnel_stop(tunnel, command_bytes(command), &worker->turn);
        break;
    case COMMAND_FAREWELL:
        tunnel_farewell(tunnel, command_bytes(command), &worker->turn);
        break;
    }
    push(&worker->fresh, tunnel);
}

static void let_go(worker *worker, tunnel *tunnel)
{
    leave(worker, tunnel);
    plane_put_back(worker->plane, tunnel);
    atomic_fetch_sub_explicit(&worker->count, 1, memory_order_relaxed);
}

static void obey_all(worker *worker)
{
    system_wake_taken(worker->wake);
    tunnel *released;
    command *command = commands_take(&worker->commands, &released);
    while (command != NULL) {
        struct command *next = command->next;
        obey(worker, command);
        command_free(command);
        command = next;
    }
    /* After the commands, which may have been about one of these. */
    while (released != NULL) {
        tunnel *next = released->next_news;
        let_go(worker, released);
        released = next;
    }
}

/* --- the loop ------------------------------------------------------------------------------- */

static int milliseconds_to_wait(const worker *worker)
{
    const timer *first = timers_first(&worker->timers);
    if (worker->fresh.first != NULL || worker->bulk.first != NULL)
        return 0;
    if (first == NULL)
        return -1;
    int64_t left = first->at - worker->turn.now;
    if (left <= 0)
        return 0;
    left = (left + MILLISECOND - 1) / MILLISECOND;
    return left < 3600 * 1000 ? (int)left : 3600 * 1000;
}

static void take_events(worker *worker, const system_event *events, size_t count, int *woken)
{
    for (size_t i = 0; i < count; i++) {
        endpoint *end = events[i].what;
        if (end == NULL) {
            *woken = 1;
            continue;
        }
        end->readable |= (uint8_t)events[i].readable;
        end->hung |= (uint8_t)events[i].ended;
        push(&worker->fresh, end->tunnel);
    }
}

static void ring_timers(worker *worker)
{
    timer *first;
    while ((first = timers_first(&worker->timers)) != NULL && first->at <= worker->turn.now) {
        tunnel *tunnel = (struct tunnel *)first;
        timers_remove(&worker->timers, first);
        tunnel_expire(tunnel, &worker->turn);
        push(&worker->fresh, tunnel);
    }
}

/*
 * Those with events first, in small turns. Then one of those that have more, which may read more
 * at once if nobody waits beside it; and further ones as long as the first have taken. So who is
 * always quick to have events takes no more than half of the time.
 */
static void give_turns(worker *worker)
{
    turn_queue fresh = worker->fresh;
    worker->fresh = (turn_queue){NULL, NULL};
    int alone = fresh.first == NULL || fresh.first == fresh.last;
    tunnel *tunnel, *last = worker->bulk.last;
    while ((tunnel = pop(&fresh)) != NULL)
        give_turn(worker, tunnel, SMALL_TURN);
    int64_t fresh_over = system_now(), end = fresh_over + (fresh_over - worker->turn.now);
    while ((tunnel = pop(&worker->bulk)) != NULL) {
        give_turn(worker, tunnel, alone ? TURN_SIZE : SMALL_TURN);
        if (tunnel == last || system_now() >= end)
            break;
    }
}

/* One wait and what follows from it; 0 when the thread is to end. */
static int step(void *argument)
{
    worker *worker = argument;
    system_event events[MAX_EVENTS];
    int woken = 0, wait = milliseconds_to_wait(worker);
    size_t count = system_poll_wait(worker->poll, events, MAX_EVENTS, wait);
    int64_t begun = system_now();
    worker->turn.now = begun;
    take_events(worker, events, count, &woken);
    if (woken) {
        if (atomic_load(&worker->stopping))
            return 0;
        obey_all(worker);
    }
    ring_timers(worker);
    give_turns(worker);
    atomic_fetch_add_explicit(&worker->wakeups, count > 0, memory_order_relaxed);
    worker->turn.now = system_now();
    atomic_fetch_add_explicit(&worker->busy_ns, (uint64_t)(worker->turn.now - begun),
                              memory_order_relaxed);
    return 1;
}

/* --- start and end -------------------------------------------------------------------------- */

static void free_parts(worker *worker)
{
    int error = errno;
    if (worker->wake >= 0)
        system_close(worker->wake);
    if (worker->poll >= 0)
        system_close(worker->poll);
    system_unmap(worker->turn.in, IN_SIZE);
    system_unmap(worker->turn.out, OUT_SIZE);
    timers_free(&worker->timers);
    commands_end(&worker->commands);
    errno = error;
}

int worker_start(worker *worker, size_t number, plane *plane, const plane_alert *alerts)
{
    memset(worker, 0, sizeof *worker);
    worker->plane = plane;
    commands_begin(&worker->commands);
    worker->poll = system_poll_new();
    worker->wake = worker->poll >= 0 ? system_wake_new() : -1;
    worker->turn = (turn){.in = system_map(IN_SIZE), .out = system_map(OUT_SIZE),
                          .alerts = alerts, .now = system_now()};
    if (worker->wake >= 0 && worker->turn.in != NULL && worker->turn.out != NULL &&
        system_poll_add_wake(worker->poll, worker->wake, NULL) == 0 &&
        system_thread_start(&worker->thread, number, step, worker) == 0)
        return 1;
    free_parts(worker);
    return 0;
}

static void drop_tunnels(worker *worker)
{
    while (worker->tunnels != NULL) {
        tunnel *tunnel = worker->tunnels;
        leave(worker, tunnel);
        endpoint_abort(&tunnel->client);
        endpoint_abort(&tunnel->socket);
        plane_put_back(worker->plane, tunnel);
    }
}

void worker_stop(worker *worker)
{
    atomic_store(&worker->stopping, 1);
    system_wake(worker->wake);
    system_thread_join(&worker->thread);
}

void worker_end(worker *worker)
{
    obey_all(worker); /* what came last: descriptors of tunnels that were just added */
    drop_tunnels(worker);
    free_parts(worker);
}
