/* The ways of an STP tunnel: `tunnel->stp` is there. */
#ifndef TUNNEL_GATEWAY_STP_TUNNEL_H
#define TUNNEL_GATEWAY_STP_TUNNEL_H

#include "tunnel.h"

/* As tunnel_receive, tunnel_receive_plain and tunnel_client_ended. */
void stp_receive(tunnel *tunnel, size_t size, turn *turn);
void stp_send(tunnel *tunnel, const uint8_t *data, size_t size, turn *turn);
void stp_client_ended(tunnel *tunnel, turn *turn);

/* The other side needs a while to read the last bytes: until then the socket stays open. */
void stp_finish(tunnel *tunnel, int reason);
/* After the end of the socket's data: when the tunnel is over. */
int64_t stp_hold_end(const tunnel *tunnel);
int stp_may_close(const tunnel *tunnel, int64_t now);

#endif
