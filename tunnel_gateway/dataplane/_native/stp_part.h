/*
 * What an STP tunnel does in another way than our own protocol (docs/stp.md): its frames, its one
 * end of both directions, and the time that the other side needs to read before the close.
 */
#ifndef TUNNEL_GATEWAY_STP_PART_H
#define TUNNEL_GATEWAY_STP_PART_H

#include "plane.h"
#include "stp_frames.h"

typedef struct {
    stp_reader reader;
    stp_writer writer;
    int64_t hold_ns;   /* from our last bytes to the close */
    int64_t last_sent; /* when they were given to the system */
    int64_t give_up;   /* when a peer that takes nothing has had its time */
    uint8_t acknowledge;
} stp_part;

/* NULL without memory, or for a spec out of bounds. */
stp_part *stp_part_new(const plane_stp *spec);
void stp_part_free(stp_part *part);

#endif
