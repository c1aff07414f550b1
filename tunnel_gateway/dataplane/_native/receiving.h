/* What comes in on the two sockets of a tunnel: records opened, plain bytes sealed, and ends. */
#ifndef TUNNEL_GATEWAY_RECEIVING_H
#define TUNNEL_GATEWAY_RECEIVING_H

#include "tunnel.h"

/* A direction that has spent more than its bandwidth rests a while. */
void tunnel_spend(tunnel *tunnel, direction *way, size_t size, turn *turn);
/* Count what was carried, and spend it. */
void tunnel_carried(tunnel *tunnel, direction *way, size_t size, turn *turn);
/* One direction has ended properly; the other has a limited time to follow. */
void tunnel_direction_ended(tunnel *tunnel, direction *way, turn *turn);

/* How many bytes of something that is not whole yet are kept: turn->in has room for them first. */
size_t tunnel_begun(const tunnel *tunnel);
/* `size` bytes more of the client stand behind that room in turn->in. */
void tunnel_receive(tunnel *tunnel, size_t size, turn *turn);
/* At most TURN_SIZE plain bytes, which are not in turn->out. */
void tunnel_receive_plain(tunnel *tunnel, const uint8_t *data, size_t size, turn *turn);

/* The peer's data have ended. */
void tunnel_client_ended(tunnel *tunnel, turn *turn);
void tunnel_socket_ended(tunnel *tunnel, turn *turn);

#endif
