/* Deadlines in order: a heap of places, each of which knows where it stands. */
#ifndef TUNNEL_GATEWAY_TIMERS_H
#define TUNNEL_GATEWAY_TIMERS_H

#include <stddef.h>
#include <stdint.h>

#define NO_DEADLINE INT64_MAX

typedef struct {
    int64_t at;
    size_t place; /* in the heap, from 1 on; 0: not in it */
} timer;

typedef struct {
    timer **heap;
    size_t count, room;
} timers;

/* Make room for as many timers; 0 without memory. */
int timers_reserve(timers *timers, size_t count);
/* Set or move one of those that room was made for. */
void timers_set(timers *timers, timer *timer, int64_t at);
void timers_remove(timers *timers, timer *timer);
/* The earliest, NULL if there is none. */
timer *timers_first(const timers *timers);
void timers_free(timers *timers);

#endif
