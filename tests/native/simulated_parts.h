/* What simulated_sockets.c and simulated_machine.c need of each other. */
#ifndef TUNNEL_GATEWAY_SIMULATED_PARTS_H
#define TUNNEL_GATEWAY_SIMULATED_PARTS_H

#include <stddef.h>

/* Count a system call; whether it is the one that fails. */
int simulated_fails(void);
/* The thread that takes its step got so many events, and would have waited so long for one. */
void simulated_waits(int milliseconds, size_t events);

/* How many descriptors are open. */
size_t simulated_descriptors(void);
void simulated_forget_descriptors(void);

#endif
