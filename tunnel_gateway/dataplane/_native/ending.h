/* How a tunnel ends: the first reason counts, the client is told, and both sockets are closed. */
#ifndef TUNNEL_GATEWAY_ENDING_H
#define TUNNEL_GATEWAY_ENDING_H

#include "tunnel.h"

int tunnel_running(const tunnel *tunnel);

/* `alert` is what the client is told, NULL for nothing. A tunnel that has ended is left alone. */
void tunnel_finish(tunnel *tunnel, tunnel_ending ending, const plane_alert *alert, turn *turn);
/* The same with one of the plane's own alerts. */
void tunnel_finish_by(tunnel *tunnel, int reason, int alert, turn *turn);
/* A fault of the peer, with what the text about it needs. */
void tunnel_fault(tunnel *tunnel, int reason, int detail, int number, turn *turn);
void tunnel_out_of_place(tunnel *tunnel, int step, turn *turn);

/* A socket is gone; `error` is an errno. */
void tunnel_lose_client(tunnel *tunnel, int error, turn *turn);
void tunnel_lose_socket(tunnel *tunnel, int error, turn *turn);

/* Send, or end the tunnel if that fails. */
void tunnel_send_client(tunnel *tunnel, const uint8_t *data, size_t size, turn *turn);
void tunnel_send_socket(tunnel *tunnel, const uint8_t *data, size_t size, turn *turn);

/* Put a close frame before the end of what a page is sent, where one fits. */
void tunnel_close_page(tunnel *tunnel);
void tunnel_close_socket(tunnel *tunnel, int64_t now);

#endif
