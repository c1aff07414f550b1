#include "ending.h"

#include "gost28147.h"
#include "stp_tunnel.h"
#include "system.h"

#include <errno.h>
#include <string.h>

int tunnel_running(const tunnel *tunnel)
{
    return tunnel->ending.reason == PLANE_RUNNING;
}

void tunnel_close_page(tunnel *tunnel)
{
    page_part *page = tunnel->page;
    if (page == NULL || page->close_size == 0 || !page_frames_may_close(&page->frames))
        return;
    page_frames_follow(&page->frames, page->close, page->close_size);
    (void)endpoint_send(&tunnel->socket, page->close, page->close_size);
}

void tunnel_close_socket(tunnel *tunnel, int64_t now)
{
    if (!tunnel->socket.ended)
        tunnel_close_page(tunnel);
    endpoint_close(&tunnel->socket, now);
}

/* Tell the client why; after our close there is nothing left to say. */
static void send_alert(tunnel *tunnel, const uint8_t *body, size_t size, turn *turn)
{
    if (tunnel->stp != NULL || /* which has no way to say it */
        (tunnel->state != PLANE_OPEN && tunnel->state != PLANE_REMOTE_CLOSED))
        return;
    size_t made = records_seal(&tunnel->down_keys, CONTENT_ALERT, body, size, turn->out);
    (void)endpoint_send(&tunnel->client, turn->out, made);
}

/* The first end counts. `alert` is what the client is told, NULL for nothing. */
void tunnel_finish(tunnel *tunnel, tunnel_ending ending, const plane_alert *alert, turn *turn)
{
    if (!tunnel_running(tunnel))
        return;
    if (alert != NULL)
        send_alert(tunnel, alert->data, alert->size, turn);
    if (tunnel->stp != NULL)
        stp_finish(tunnel, ending.reason);
    tunnel->ending = ending;
    tunnel->state = PLANE_CLOSED;
    system_free(tunnel->begun, tunnel->begun_room);
    tunnel->begun = NULL;
    tunnel->begun_size = tunnel->begun_room = 0;
    endpoint_close(&tunnel->client, turn->now);
    if (tunnel->page == NULL)
        tunnel_close_socket(tunnel, turn->now);
    else
        tunnel->socket.deadline = turn->now + FLUSH_NS;
    /* Nothing is opened or sealed after this, and the sockets may take a while to close. */
    gost_wipe(&tunnel->up_keys, sizeof tunnel->up_keys);
    gost_wipe(&tunnel->down_keys, sizeof tunnel->down_keys);
}

void tunnel_finish_by(tunnel *tunnel, int reason, int alert, turn *turn)
{
    tunnel_finish(tunnel, (tunnel_ending){.reason = reason}, &turn->alerts[alert], turn);
}

/* A fault of the peer, with what the text about it needs. */
void tunnel_fault(tunnel *tunnel, int reason, int detail, int number, turn *turn)
{
    tunnel_finish(tunnel, (tunnel_ending){.reason = reason, .detail = detail, .number = number},
        &turn->alerts[PLANE_ALERT_PROTOCOL_ERROR], turn);
}

void tunnel_out_of_place(tunnel *tunnel, int step, turn *turn)
{
    tunnel_fault(tunnel, PLANE_OUT_OF_PLACE, tunnel->state, step, turn);
}

/* A peer that had closed has left, even if TCP reports a reset. */
void tunnel_lose_client(tunnel *tunnel, int error, turn *turn)
{
    endpoint_abort(&tunnel->client);
    int left = tunnel->state == PLANE_REMOTE_CLOSED || tunnel->state == PLANE_CLOSED;
    tunnel_finish(tunnel,
        left ? (tunnel_ending){.reason = PLANE_PEER_LEFT}
             : (tunnel_ending){.reason = PLANE_PEER_LOST, .number = error},
        NULL, turn);
}

void tunnel_lose_socket(tunnel *tunnel, int error, turn *turn)
{
    endpoint_abort(&tunnel->socket);
    tunnel_finish(tunnel, (tunnel_ending){.reason = PLANE_SOCKET_LOST, .number = error},
        &turn->alerts[PLANE_ALERT_SOCKET_LOST], turn);
}

void tunnel_send_client(tunnel *tunnel, const uint8_t *data, size_t size, turn *turn)
{
    int error = endpoint_send(&tunnel->client, data, size);
    if (error == ENOMEM)
        tunnel_finish(tunnel, (tunnel_ending){.reason = PLANE_OVERLOADED}, NULL, turn);
    else if (error != 0)
        tunnel_lose_client(tunnel, error, turn);
}

void tunnel_send_socket(tunnel *tunnel, const uint8_t *data, size_t size, turn *turn)
{
    if (tunnel->page != NULL)
        page_frames_follow(&tunnel->page->frames, data, size);
    int error = endpoint_send(&tunnel->socket, data, size);
    if (error == ENOMEM)
        tunnel_finish_by(tunnel, PLANE_OVERLOADED, PLANE_ALERT_OVERLOADED, turn);
    else if (error != 0)
        tunnel_lose_socket(tunnel, error, turn);
}
