/* Tunnels, and all that peers, owner and time do to them, as the bytes of an input say. */
#ifndef TUNNEL_GATEWAY_PLANE_SCENARIO_H
#define TUNNEL_GATEWAY_PLANE_SCENARIO_H

#include <stddef.h>
#include <stdint.h>

/*
 * Plays one input in simulated_system.c from plane_new to plane_free. The system call of number
 * `failing` fails, 0: none; returns whether it was made. What must be so is checked all the time.
 */
int play(const uint8_t *input, size_t size, size_t failing);

#endif
