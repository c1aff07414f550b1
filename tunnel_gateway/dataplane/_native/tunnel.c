#include "tunnel.h"

#include "ending.h"
#include "gost28147.h"
#include "receiving.h"
#include "stp_tunnel.h"
#include "system.h"

#include <string.h>

/* What may have been read before a tunnel begins: an inbox and one read more. */
#define MAX_BEFORE (TURN_SIZE + 128 * 1024)
/* A record takes at least as long as so many bytes of a long one. */
#define RECORD_COST 256
#define LEAST_ROOM ((size_t)4096)
/* Longer than any limit that makes sense, and far from where numbers end. */
#define MAX_NS (INT64_C(1) << 61)
#define STP_TURN ((size_t)32 * 1024)

static int64_t bounded(uint64_t ns)
{
    return ns < (uint64_t)MAX_NS ? (int64_t)ns : MAX_NS;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* --- making and clearing ------------------------------------------------------------------- */

static int within_bounds(const tunnel_spec *spec)
{
    return spec->begun.size < MAX_RECORD && spec->up.size <= MAX_BEFORE &&
           spec->down.size <= MAX_BEFORE && spec->page_close.size <= PLANE_MAX_PAGE_CLOSE;
}

static int init_page(tunnel *tunnel, const tunnel_spec *spec)
{
    if (!spec->page)
        return 1;
    page_part *page = system_allocate(sizeof *page);
    if (page == NULL)
        return 0;
    memset(page, 0, sizeof *page);
    page_frames_init(&page->frames);
    page->close_size = spec->page_close.size;
    if (page->close_size > 0)
        memcpy(page->close, spec->page_close.data, page->close_size);
    page->farewell_awaited = 1;
    tunnel->page = page;
    return 1;
}

static int init_ciphers(tunnel *tunnel, const tunnel_spec *spec)
{
    if (spec->stp != NULL) {
        tunnel->stp = stp_part_new(spec->stp);
        return tunnel->stp != NULL && spec->begun.size == 0;
    }
    return record_keys_init(&tunnel->up_keys, spec->up_secret, spec->up_left) &&
           record_keys_init(&tunnel->down_keys, spec->down_secret, spec->down_left);
}

int tunnel_init(tunnel *tunnel, const tunnel_spec *spec)
{
    memset(tunnel, 0, sizeof *tunnel);
    tunnel->id = spec->id;
    tunnel->idle_ns = bounded(spec->idle_ns);
    tunnel->half_close_ns = bounded(spec->half_close_ns);
    tunnel->lifetime_end = spec->lifetime_ns > 0 ? bounded(spec->lifetime_ns) : NO_DEADLINE;
    tunnel->half_close_end = NO_DEADLINE;
    tunnel->read_room = 4 * LEAST_ROOM;
    tunnel->bandwidth = (double)spec->bandwidth;
    tunnel->state = spec->peer_closed ? PLANE_REMOTE_CLOSED : PLANE_OPEN;
    endpoint_init(&tunnel->client, tunnel, -1, -1);
    endpoint_init(&tunnel->socket, tunnel, -1, -1);
    if (!within_bounds(spec) || !init_page(tunnel, spec) || !init_ciphers(tunnel, spec)) {
        tunnel_clear(tunnel);
        return 0;
    }
    return 1;
}

void tunnel_clear(tunnel *tunnel)
{
    system_free(tunnel->begun, tunnel->begun_room);
    system_free(tunnel->page, sizeof *tunnel->page);
    stp_part_free(tunnel->stp);
    system_free(tunnel->client.unsent, tunnel->client.unsent_size);
    system_free(tunnel->socket.unsent, tunnel->socket.unsent_size);
    gost_wipe(tunnel, sizeof *tunnel);
}

/* --- carrying ------------------------------------------------------------------------------- */

static int client_readable(const tunnel *tunnel, const turn *turn)
{
    return tunnel_running(tunnel) && endpoint_readable(&tunnel->client) &&
           tunnel->socket.unsent == NULL && turn->now >= tunnel->up.resume;
}

/*
 * A turn full of records of one byte would take twenty times as long as another, while the other
 * tunnels of the thread wait. So the next turn is as short as can be, and then they grow again.
 */
static void adapt_room(tunnel *tunnel, size_t size, size_t records)
{
    if (records * RECORD_COST > size)
        tunnel->read_room = LEAST_ROOM;
    else if (size >= tunnel->read_room && tunnel->read_room < TURN_SIZE)
        tunnel->read_room *= 2;
}

static void carry_up(tunnel *tunnel, size_t most, turn *turn)
{
    size_t room = most < tunnel->read_room ? most : tunnel->read_room, size = 0;
    int error = 0;
    turn->records = 0;
    switch (endpoint_receive(&tunnel->client, turn->in + tunnel_begun(tunnel), room, &size, &error)) {
    case RECEIVED_DATA:
        tunnel_receive(tunnel, size, turn);
        adapt_room(tunnel, size, turn->records);
        break;
    case RECEIVED_END:
        tunnel_client_ended(tunnel, turn);
        break;
    case RECEIVED_ERROR:
        tunnel_lose_client(tunnel, error, turn);
        break;
    case RECEIVED_NOTHING:
        break;
    }
}

static int socket_readable(const tunnel *tunnel, const turn *turn)
{
    return tunnel_running(tunnel) && endpoint_readable(&tunnel->socket) &&
           tunnel->client.unsent == NULL && turn->now >= tunnel->down.resume;
}

static void carry_down(tunnel *tunnel, size_t room, turn *turn)
{
    size_t size = 0;
    int error = 0;
    switch (endpoint_receive(&tunnel->socket, turn->in, room, &size, &error)) {
    case RECEIVED_DATA:
        tunnel_receive_plain(tunnel, turn->in, size, turn);
        break;
    case RECEIVED_END:
        tunnel_socket_ended(tunnel, turn);
        break;
    case RECEIVED_ERROR:
        tunnel_lose_socket(tunnel, error, turn);
        break;
    case RECEIVED_NOTHING:
        break;
    }
}

/* --- what the worker calls ------------------------------------------------------------------ */

static void begin_with(tunnel *tunnel, const tunnel_spec *spec, turn *turn)
{
    for (size_t start = 0; start < spec->down.size && tunnel_running(tunnel);) {
        size_t part = spec->down.size - start < TURN_SIZE ? spec->down.size - start : TURN_SIZE;
        tunnel_receive_plain(tunnel, spec->down.data + start, part, turn);
        start += part;
    }
    if (spec->up.size > 0 && tunnel_running(tunnel)) {
        tunnel_carried(tunnel, &tunnel->up, spec->up.size, turn);
        tunnel_send_socket(tunnel, spec->up.data, spec->up.size, turn);
    }
    if (spec->peer_closed && tunnel_running(tunnel)) {
        tunnel_close_page(tunnel);
        endpoint_shut(&tunnel->socket);
        tunnel_direction_ended(tunnel, &tunnel->up, turn);
    }
    if (spec->begun.size > 0 && tunnel_running(tunnel)) {
        memcpy(turn->in, spec->begun.data, spec->begun.size);
        tunnel_receive(tunnel, spec->begun.size, turn);
    }
}

void tunnel_begin(tunnel *tunnel, const tunnel_spec *spec, int poll, turn *turn)
{
    endpoint_init(&tunnel->client, tunnel, spec->client, poll);
    endpoint_init(&tunnel->socket, tunnel, spec->socket, poll);
    tunnel->active = turn->now;
    if (tunnel->stp != NULL)
        tunnel->stp->last_sent = turn->now; /* the end of the handshake, perhaps */
    tunnel->up.taken_at = tunnel->down.taken_at = turn->now;
    if (tunnel->lifetime_end != NO_DEADLINE)
        tunnel->lifetime_end += turn->now;
    /* Both are looked at once, whatever events follow. */
    tunnel->client.readable = tunnel->socket.readable = 1;
    if (system_poll_add(poll, spec->client, &tunnel->client) != 0 ||
        system_poll_add(poll, spec->socket, &tunnel->socket) != 0)
        tunnel_finish_by(tunnel, PLANE_OVERLOADED, PLANE_ALERT_OVERLOADED, turn);
    begin_with(tunnel, spec, turn);
}

static void flush(tunnel *tunnel, turn *turn)
{
    if (tunnel->stp != NULL && tunnel->client.unsent != NULL)
        tunnel->stp->last_sent = turn->now;
    int error = endpoint_flush(&tunnel->client);
    if (error != 0)
        tunnel_lose_client(tunnel, error, turn);
    error = tunnel_running(tunnel) ? endpoint_flush(&tunnel->socket) : 0;
    if (error != 0)
        tunnel_lose_socket(tunnel, error, turn);
}

static int go_on_closing(tunnel *tunnel, size_t size, turn *turn)
{
    if (tunnel->client.closing)
        endpoint_go_on_closing(&tunnel->client, turn->now, turn->in, size);
    if (tunnel->socket.closing)
        endpoint_go_on_closing(&tunnel->socket, turn->now, turn->in, size);
    return (tunnel->client.closing && endpoint_readable(&tunnel->client)) ||
           (tunnel->socket.closing && endpoint_readable(&tunnel->socket));
}

int tunnel_turn(tunnel *tunnel, size_t size, turn *turn)
{
    /* Some modes of its ciphers have one block in hand at a time, and take ten times as long. */
    if (tunnel->stp != NULL && size > STP_TURN)
        size = STP_TURN;
    if (tunnel_running(tunnel))
        flush(tunnel, turn);
    if (socket_readable(tunnel, turn))
        carry_down(tunnel, size, turn);
    if (client_readable(tunnel, turn))
        carry_up(tunnel, size, turn);
    if (!tunnel_running(tunnel))
        return go_on_closing(tunnel, size, turn);
    return client_readable(tunnel, turn) || socket_readable(tunnel, turn);
}

/* An owner that never says it, for want of memory perhaps, must not hold the socket for ever. */
static int farewell_overdue(const tunnel *tunnel, int64_t now)
{
    return tunnel->page != NULL && tunnel->page->farewell_awaited && now >= tunnel->socket.deadline;
}

void tunnel_expire(tunnel *tunnel, turn *turn)
{
    int64_t now = turn->now;
    if (!tunnel_running(tunnel)) {
        if (farewell_overdue(tunnel, now))
            endpoint_abort(&tunnel->socket);
        return;
    }
    if (stp_may_close(tunnel, now))
        tunnel_finish(tunnel, (tunnel_ending){.reason = PLANE_COMPLETED}, NULL, turn);
    else if (now >= tunnel->lifetime_end)
        tunnel_finish_by(tunnel, PLANE_LIFETIME, PLANE_ALERT_TIMED_OUT, turn);
    else if (now >= tunnel->half_close_end)
        tunnel_finish_by(tunnel, PLANE_HALF_CLOSE, PLANE_ALERT_TIMED_OUT, turn);
    else if (now - tunnel->active >= tunnel->idle_ns)
        tunnel_finish_by(tunnel, PLANE_IDLE, PLANE_ALERT_TIMED_OUT, turn);
}

void tunnel_abandon(tunnel *tunnel, turn *turn)
{
    tunnel_finish_by(tunnel, PLANE_OVERLOADED, PLANE_ALERT_OVERLOADED, turn);
    endpoint_abort(&tunnel->client);
    endpoint_abort(&tunnel->socket);
}

void tunnel_stop(tunnel *tunnel, plane_bytes alert, turn *turn)
{
    plane_alert told = {.size = alert.size};
    memcpy(told.data, alert.data, alert.size);
    tunnel_finish(tunnel, (tunnel_ending){.reason = PLANE_STOPPED}, &told, turn);
}

void tunnel_farewell(tunnel *tunnel, plane_bytes last, turn *turn)
{
    page_part *page = tunnel->page;
    if (page == NULL || !page->farewell_awaited || tunnel_running(tunnel))
        return;
    page->farewell_awaited = 0;
    page_frames_follow(&page->frames, last.data, last.size);
    if (endpoint_send(&tunnel->socket, last.data, last.size) != 0)
        endpoint_abort(&tunnel->socket);
    tunnel_close_socket(tunnel, turn->now);
}

int64_t tunnel_deadline(const tunnel *tunnel, int64_t now)
{
    int64_t at = NO_DEADLINE;
    if (!tunnel_running(tunnel)) {
        if (tunnel->client.fd >= 0 && tunnel->client.closing)
            at = earlier(at, tunnel->client.deadline);
        if (tunnel->socket.fd >= 0) /* the farewell of a page is awaited that long */
            at = earlier(at, tunnel->socket.deadline);
        return at;
    }
    at = earlier(tunnel->active + tunnel->idle_ns, tunnel->lifetime_end);
    at = earlier(at, tunnel->half_close_end);
    if (tunnel->stp != NULL && tunnel->down.ended)
        at = earlier(at, stp_hold_end(tunnel));
    if (tunnel->up.resume > now)
        at = earlier(at, tunnel->up.resume);
    if (tunnel->down.resume > now)
        at = earlier(at, tunnel->down.resume);
    return at;
}

int tunnel_closed(const tunnel *tunnel)
{
    return !tunnel_running(tunnel) && tunnel->client.fd < 0 && tunnel->socket.fd < 0;
}
