#include "receiving.h"

#include "ending.h"
#include "stp_tunnel.h"
#include "system.h"

#include <string.h>

#define SECOND INT64_C(1000000000)

/* A direction over its bandwidth rests a while. */
void tunnel_spend(tunnel *tunnel, direction *way, size_t size, turn *turn)
{
    int64_t now = turn->now;
    if (tunnel->bandwidth <= 0)
        return;
    double rate = tunnel->bandwidth;
    double back = (double)(now - way->taken_at) / (double)SECOND * rate;
    way->taken = (way->taken > back ? way->taken - back : 0) + (double)size;
    way->taken_at = now;
    if (way->taken > rate)
        way->resume = now + (int64_t)((way->taken - rate) / rate * (double)SECOND);
}

/* Count what was carried. */
void tunnel_carried(tunnel *tunnel, direction *way, size_t size, turn *turn)
{
    atomic_fetch_add_explicit(&way->count, size, memory_order_relaxed);
    *(way == &tunnel->up ? &turn->bytes_up : &turn->bytes_down) += size;
    tunnel->active = turn->now;
    tunnel_spend(tunnel, way, size, turn);
}

/* One direction has ended properly; the other has a limited time to follow. */
void tunnel_direction_ended(tunnel *tunnel, direction *way, turn *turn)
{
    way->ended = 1;
    if (tunnel->up.ended && tunnel->down.ended)
        tunnel_finish(tunnel, (tunnel_ending){.reason = PLANE_COMPLETED}, NULL, turn);
    else
        tunnel->half_close_end = turn->now + tunnel->half_close_ns;
}

/* --- from the client ------------------------------------------------------------------------ */

static void receive_close(tunnel *tunnel, size_t size, turn *turn)
{
    if (tunnel->state != PLANE_OPEN && tunnel->state != PLANE_LOCAL_CLOSED) {
        tunnel_out_of_place(tunnel, PLANE_STEP_CLOSE, turn);
    } else if (size > 0) {
        tunnel_fault(tunnel, PLANE_CLOSE_PAYLOAD, 0, 0, turn);
    } else {
        tunnel->state = tunnel->state == PLANE_OPEN ? PLANE_REMOTE_CLOSED : PLANE_CLOSED;
        tunnel_close_page(tunnel);
        endpoint_shut(&tunnel->socket);
        tunnel_direction_ended(tunnel, &tunnel->up, turn);
    }
}

static void receive_alert(tunnel *tunnel, const uint8_t *body, size_t size, turn *turn)
{
    if (tunnel->state != PLANE_OPEN && tunnel->state != PLANE_LOCAL_CLOSED) {
        tunnel_out_of_place(tunnel, PLANE_STEP_ALERT, turn);
    } else if (size < 2 || size != 2 + (size_t)body[1]) {
        tunnel_fault(tunnel, PLANE_ALERT_LENGTH, 0, 0, turn);
    } else {
        tunnel_ending ending = {.reason = PLANE_ALERT, .size = size};
        memcpy(ending.body, body, size);
        tunnel_finish(tunnel, ending, NULL, turn);
    }
}

static int data_in_place(const tunnel *tunnel)
{
    return tunnel->state == PLANE_OPEN || tunnel->state == PLANE_LOCAL_CLOSED;
}

/* A record that holds no data. */
static void receive_other(tunnel *tunnel, int content, const uint8_t *body, size_t size,
                          turn *turn)
{
    switch (content) {
    case CONTENT_HANDSHAKE:
        tunnel_out_of_place(tunnel, PLANE_STEP_HANDSHAKE, turn);
        break;
    case CONTENT_DATA:
        if (data_in_place(tunnel))
            tunnel_fault(tunnel, PLANE_EMPTY_DATA, 0, 0, turn);
        else
            tunnel_out_of_place(tunnel, PLANE_STEP_DATA, turn);
        break;
    case CONTENT_CLOSE:
        receive_close(tunnel, size, turn);
        break;
    case CONTENT_ALERT:
        receive_alert(tunnel, body, size, turn);
        break;
    default:
        tunnel_fault(tunnel, PLANE_UNKNOWN_CONTENT, 0, content, turn);
    }
}

/* The protected records at the start, as many as one key opens; how many bytes they were. */
static size_t receive_protected(tunnel *tunnel, const uint8_t *data, size_t size, turn *turn)
{
    frames_opened opened;
    if (!records_open(&tunnel->up_keys, data, size, turn->out, &opened)) {
        tunnel_finish_by(tunnel, PLANE_OVERLOADED, PLANE_ALERT_OVERLOADED, turn);
        return 0;
    }
    turn->records += opened.frames;
    if (opened.payload > 0) {
        if (!data_in_place(tunnel)) {
            tunnel_out_of_place(tunnel, PLANE_STEP_DATA, turn);
            return 0;
        }
        tunnel_carried(tunnel, &tunnel->up, opened.payload, turn);
        tunnel_send_socket(tunnel, turn->out, opened.payload, turn);
    }
    if (!tunnel_running(tunnel))
        return 0;
    if (opened.content >= 0)
        receive_other(tunnel, opened.content, turn->out + opened.payload, opened.last, turn);
    else if (opened.forged || opened.taken == 0)
        tunnel_finish_by(tunnel, PLANE_BAD_RECORD, PLANE_ALERT_BAD_RECORD, turn);
    return opened.taken;
}

/* Whether a record of this header may come; the tunnel has ended otherwise. */
static int header_in_bounds(tunnel *tunnel, uint8_t type, size_t size, turn *turn)
{
    size_t limit = type == RECORD_HELLO       ? MAX_HELLO
                   : type == RECORD_PROTECTED ? MAX_FRAGMENT
                                              : MAX_ALERT;
    if (type < RECORD_HELLO || type > RECORD_ALERT)
        tunnel_fault(tunnel, PLANE_UNKNOWN_TYPE, 0, type, turn);
    else if (size > limit)
        tunnel_fault(tunnel, PLANE_RECORD_SIZE, type, (int)size, turn);
    return tunnel_running(tunnel);
}

/* All records that are whole; how many bytes they were. */
static size_t receive_records(tunnel *tunnel, const uint8_t *data, size_t size, turn *turn)
{
    size_t start = 0;
    while (tunnel_running(tunnel) && size - start >= FRAME_HEADER_SIZE) {
        uint8_t type = data[start];
        size_t fragment = (size_t)data[start + 1] << 8 | data[start + 2];
        if (!header_in_bounds(tunnel, type, fragment, turn) ||
            size - start - FRAME_HEADER_SIZE < fragment)
            break;
        if (type == RECORD_PROTECTED)
            start += receive_protected(tunnel, data + start, size - start, turn);
        else
            tunnel_out_of_place(tunnel,
                         type == RECORD_HELLO ? PLANE_STEP_HELLO : PLANE_STEP_CLEAR_ALERT, turn);
    }
    return start;
}

static void forget_begun(tunnel *tunnel)
{
    system_free(tunnel->begun, tunnel->begun_room);
    tunnel->begun = NULL;
    tunnel->begun_size = tunnel->begun_room = 0;
}

/* Grows with what has come, not with what a header promises. 0 without memory. */
static int make_room(tunnel *tunnel, size_t size)
{
    if (size <= tunnel->begun_room)
        return 1;
    size_t before = tunnel->begun_size, room = size > MAX_RECORD / 2 ? MAX_RECORD : 2 * size;
    uint8_t *begun = system_allocate(room);
    if (begun == NULL)
        return 0;
    if (before > 0)
        memcpy(begun, tunnel->begun, before);
    forget_begun(tunnel);
    tunnel->begun = begun;
    tunnel->begun_size = before;
    tunnel->begun_room = room;
    return 1;
}

/* Keep more of a record that is not whole yet. */
static void keep_begun(tunnel *tunnel, const uint8_t *data, size_t size, turn *turn)
{
    if (!make_room(tunnel, tunnel->begun_size + size)) {
        tunnel_finish_by(tunnel, PLANE_OVERLOADED, PLANE_ALERT_OVERLOADED, turn);
        return;
    }
    memcpy(tunnel->begun + tunnel->begun_size, data, size);
    tunnel->begun_size += size;
}

/* The size of the record that has begun, or of a header while that is not whole. */
static size_t awaited(const tunnel *tunnel)
{
    const uint8_t *head = tunnel->begun;
    if (tunnel->begun_size < FRAME_HEADER_SIZE)
        return FRAME_HEADER_SIZE;
    return FRAME_HEADER_SIZE + ((size_t)head[1] << 8 | head[2]);
}

size_t tunnel_begun(const tunnel *tunnel)
{
    return tunnel->stp != NULL ? tunnel->stp->reader.block_size : tunnel->begun_size;
}

void tunnel_receive(tunnel *tunnel, size_t size, turn *turn)
{
    if (tunnel->stp != NULL) {
        stp_receive(tunnel, size, turn);
        return;
    }
    size_t whole = tunnel->begun_size + size;
    /* Single bytes of a long record cost only themselves. */
    if (whole < awaited(tunnel)) {
        keep_begun(tunnel, turn->in + tunnel->begun_size, size, turn);
        return;
    }
    if (tunnel->begun_size > 0)
        memcpy(turn->in, tunnel->begun, tunnel->begun_size);
    tunnel->begun_size = 0;
    size_t taken = receive_records(tunnel, turn->in, whole, turn);
    if (!tunnel_running(tunnel))
        return;
    if (taken < whole)
        keep_begun(tunnel, turn->in + taken, whole - taken, turn);
    else
        forget_begun(tunnel); /* a tunnel that is quiet keeps no memory for it */
}

void tunnel_client_ended(tunnel *tunnel, turn *turn)
{
    if (tunnel->stp != NULL)
        stp_client_ended(tunnel, turn);
    else if (tunnel->state == PLANE_OPEN || tunnel->state == PLANE_LOCAL_CLOSED)
        tunnel_fault(tunnel, PLANE_TRUNCATED, tunnel->state, 0, turn);
}

/* --- from the socket ------------------------------------------------------------------------ */

void tunnel_receive_plain(tunnel *tunnel, const uint8_t *data, size_t size, turn *turn)
{
    tunnel_carried(tunnel, &tunnel->down, size, turn);
    if (tunnel->stp != NULL) {
        stp_send(tunnel, data, size, turn);
        return;
    }
    size_t made = records_seal(&tunnel->down_keys, CONTENT_DATA, data, size, turn->out);
    if (made == 0)
        tunnel_finish(tunnel, (tunnel_ending){.reason = PLANE_OVERLOADED}, NULL, turn);
    else
        tunnel_send_client(tunnel, turn->out, made, turn);
}

void tunnel_socket_ended(tunnel *tunnel, turn *turn)
{
    if (tunnel->stp != NULL) {
        tunnel->state = PLANE_LOCAL_CLOSED;
        tunnel->stp->give_up = turn->now + FLUSH_NS;
        tunnel_direction_ended(tunnel, &tunnel->down, turn);
        return;
    }
    static const uint8_t nothing[1];
    size_t made = records_seal(&tunnel->down_keys, CONTENT_CLOSE, nothing, 0, turn->out);
    tunnel->state = tunnel->state == PLANE_OPEN ? PLANE_LOCAL_CLOSED : PLANE_CLOSED;
    if (made == 0)
        tunnel_finish(tunnel, (tunnel_ending){.reason = PLANE_OVERLOADED}, NULL, turn);
    else
        tunnel_send_client(tunnel, turn->out, made, turn);
    if (tunnel_running(tunnel))
        tunnel_direction_ended(tunnel, &tunnel->down, turn);
}
