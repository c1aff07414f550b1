/* What the threads of a plane share. */
#ifndef TUNNEL_GATEWAY_PLANE_PARTS_H
#define TUNNEL_GATEWAY_PLANE_PARTS_H

#include "plane.h"

/* Put a tunnel that has ended, or is closed, into the news. */
void plane_tell(plane *plane, tunnel *tunnel, int closed);

/* Wipe a tunnel and give its memory back. */
void plane_put_back(plane *plane, tunnel *tunnel);

#endif
