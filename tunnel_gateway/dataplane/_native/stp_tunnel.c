#include "stp_tunnel.h"

#include "ending.h"
#include "receiving.h"
#include "system.h"

#include <string.h>

/* So many bytes of the client spend at least one of its bandwidth: a frame with one byte has 24. */
#define BYTES_FOR_ONE 32

static int is_fault(int reason)
{
    return reason == PLANE_STP_CHECKSUM || reason == PLANE_STP_COUNTER ||
           reason == PLANE_STP_LENGTH;
}

static void fault(tunnel *tunnel, const stp_found *found, turn *turn)
{
    tunnel_ending ending = {.reason = PLANE_STP_CHECKSUM,
                            .number = tunnel->stp->reader.frames > 0};
    if (found->fault == STP_COUNTER)
        ending = (tunnel_ending){.reason = PLANE_STP_COUNTER,
                                 .number = (int)found->counter,
                                 .detail = (int)tunnel->stp->reader.frames};
    if (found->fault == STP_LENGTH)
        ending = (tunnel_ending){.reason = PLANE_STP_LENGTH,
                                 .number = (int)found->blocks,
                                 .detail = (int)found->rest};
    tunnel_finish(tunnel, ending, NULL, turn);
}

void stp_receive(tunnel *tunnel, size_t size, turn *turn)
{
    stp_reader *reader = &tunnel->stp->reader;
    stp_found found;
    if (tunnel->stp->acknowledge)
        system_acknowledge(tunnel->client.fd);
    if (tunnel->down.ended) /* both directions have ended: what still comes is dropped */
        return;
    memcpy(turn->in, reader->block, reader->block_size);
    size_t whole = reader->block_size + size, rest = whole % STP_BLOCK;
    memcpy(reader->block, turn->in + whole - rest, rest);
    reader->block_size = (uint8_t)rest;
    size_t taken = stp_read(reader, turn->in, whole - rest, &found);
    if (taken > 0) {
        tunnel_carried(tunnel, &tunnel->up, taken, turn);
        tunnel_send_socket(tunnel, turn->in, taken, turn);
    }
    /* Frames without payload carry nothing, and would never make the tunnel rest. */
    size_t least = (size + BYTES_FOR_ONE - 1) / BYTES_FOR_ONE;
    if (taken < least)
        tunnel_spend(tunnel, &tunnel->up, least - taken, turn);
    if (found.fault != STP_NO_FAULT && tunnel_running(tunnel))
        fault(tunnel, &found, turn);
}

void stp_send(tunnel *tunnel, const uint8_t *data, size_t size, turn *turn)
{
    size_t made = stp_write(&tunnel->stp->writer, data, size, turn->out);
    tunnel->stp->last_sent = turn->now;
    if (made == 0)
        tunnel_finish(tunnel, (tunnel_ending){.reason = PLANE_STP_SPENT}, NULL, turn);
    else
        tunnel_send_client(tunnel, turn->out, made, turn);
}

void stp_client_ended(tunnel *tunnel, turn *turn)
{
    int reason = tunnel->down.ended ? PLANE_COMPLETED : PLANE_PEER_LEFT;
    tunnel_finish(tunnel, (tunnel_ending){.reason = reason}, NULL, turn);
}

void stp_finish(tunnel *tunnel, int reason)
{
    stp_part *stp = tunnel->stp;
    /* A tunnel that has completed was held before. */
    if (reason != PLANE_COMPLETED && !tunnel->client.ended && !is_fault(reason))
        tunnel->client.hold = stp->last_sent + stp->hold_ns;
    stp_part_free(stp);
    tunnel->stp = NULL;
}

int64_t stp_hold_end(const tunnel *tunnel)
{
    /* The hold counts from the last bytes: while they are here, it has not begun. */
    if (tunnel->client.unsent != NULL)
        return tunnel->stp->give_up;
    return tunnel->stp->last_sent + tunnel->stp->hold_ns;
}

int stp_may_close(const tunnel *tunnel, int64_t now)
{
    return tunnel->stp != NULL && tunnel->down.ended && now >= stp_hold_end(tunnel);
}
