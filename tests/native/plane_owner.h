/* The owner of tunnels: adds them, hears of them and lets them go; and what must be so all the time. */
#ifndef TUNNEL_GATEWAY_PLANE_OWNER_H
#define TUNNEL_GATEWAY_PLANE_OWNER_H

#include "plane_peers.h"

#define TUNNELS 3
/* Descriptors are not used again: this many tunnels fit. */
#define MAX_ADDED 24
#define MILLISECOND (SECOND / 1000)

typedef struct scenario {
    const uint8_t *data;
    size_t size;
    plane *plane;
    peers peers[TUNNELS];
    uint64_t added;
    uint8_t late;
    uint8_t batch; /* several things happen before the threads look */
} scenario;

/* The next byte of the input, 0 after its end. */
uint8_t next(scenario *scenario);

/* Whether the plane took the tunnel. */
int begin_peers(scenario *scenario, peers *peers);
/* Let a tunnel go that is closed; `late`: with a stop (1) or a farewell (2) that come too late. */
void release(scenario *scenario, peers *peers, int late);
void stop(scenario *scenario, peers *peers);
void farewell(scenario *scenario, peers *peers, size_t size);

/* Let the threads work until they rest, take the news, and check everything. */
void look(scenario *scenario);
/* Nobody does anything any more: the limits end and close every tunnel. */
void wind_down(scenario *scenario, int farewells);

#endif
