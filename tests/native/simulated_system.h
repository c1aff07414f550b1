/*
 * The calls of system.h without an operating system: sockets in memory, a clock that only moves when
 * it is told to, threads that take a step when they are told to, and one call that fails.
 *
 * What the data plane must never do ends the program with a word about it: send after the end of its
 * data, touch a descriptor that is closed, free memory under another size, or turn without rest.
 */
#ifndef TUNNEL_GATEWAY_SIMULATED_SYSTEM_H
#define TUNNEL_GATEWAY_SIMULATED_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

/* Begin anew; the call of this number fails, 0: none. Nothing is left of the time before. */
void simulated_begin(size_t failing);
/* Whether the call that was to fail was made. */
int simulated_failed(void);
/* Memory and descriptors that are still there. */
size_t simulated_left(void);
/* Bytes of memory that are there now, without those of system_map. */
size_t simulated_memory(void);

_Noreturn void violation(const char *what);

/* --- sockets, from the side of the peer ----------------------------------------------------- */

int simulated_socket(void);
void simulated_put(int fd, const uint8_t *data, size_t size);
/* The peer's data end; the peer resets the connection. */
void simulated_end(int fd);
void simulated_reset(int fd);
/* How many bytes more can be sent at once. */
void simulated_set_room(int fd, size_t room);
size_t simulated_room(int fd);
/* Whether there is something to receive that was not received, be it the end. */
int simulated_unread(int fd);
/* An event that tells nothing new, as the system may give. */
void simulated_disturb(int fd);
/* All that was sent so far. */
const uint8_t *simulated_sent(int fd, size_t *size);
int simulated_is_open(int fd);
int simulated_is_shut(int fd);
/* The owner closes it, because the data plane did not take it. */
void simulated_take_back(int fd);

/* --- time and threads ----------------------------------------------------------------------- */

int64_t simulated_now(void);
void simulated_advance(int64_t ns);
/* How long the threads would wait now, in milliseconds; -1: without a limit. */
int simulated_wait(void);
/* One step of each thread. */
void simulated_step(void);
/* Steps until all threads wait; a violation if they never do. */
void simulated_run(void);

#endif
