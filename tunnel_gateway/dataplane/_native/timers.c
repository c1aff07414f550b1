#include "timers.h"

#include "system.h"

#include <string.h>

int timers_reserve(timers *timers, size_t count)
{
    if (count <= timers->room)
        return 1;
    size_t room = count > 32 ? 2 * count : 64;
    timer **heap = system_allocate(room * sizeof *heap);
    if (heap == NULL)
        return 0;
    if (timers->count > 0)
        memcpy(heap, timers->heap, timers->count * sizeof *heap);
    system_free(timers->heap, timers->room * sizeof *heap);
    timers->heap = heap;
    timers->room = room;
    return 1;
}

static void put(timers *timers, size_t place, timer *timer)
{
    timers->heap[place - 1] = timer;
    timer->place = place;
}

/* Move the timer to where it belongs, up or down from the place that is free. */
static void settle(timers *timers, size_t place, timer *moved)
{
    while (place > 1 && timers->heap[place / 2 - 1]->at > moved->at) {
        put(timers, place, timers->heap[place / 2 - 1]);
        place /= 2;
    }
    for (;;) {
        size_t child = 2 * place;
        if (child > timers->count)
            break;
        if (child < timers->count && timers->heap[child]->at < timers->heap[child - 1]->at)
            child++;
        if (timers->heap[child - 1]->at >= moved->at)
            break;
        put(timers, place, timers->heap[child - 1]);
        place = child;
    }
    put(timers, place, moved);
}

void timers_set(timers *timers, timer *timer, int64_t at)
{
    timer->at = at;
    if (timer->place == 0)
        put(timers, ++timers->count, timer);
    settle(timers, timer->place, timer);
}

void timers_remove(timers *timers, timer *timer)
{
    size_t place = timer->place;
    if (place == 0)
        return;
    timer->place = 0;
    if (place == timers->count--)
        return;
    settle(timers, place, timers->heap[timers->count]);
}

timer *timers_first(const timers *timers)
{
    return timers->count > 0 ? timers->heap[0] : NULL;
}

void timers_free(timers *timers)
{
    system_free(timers->heap, timers->room * sizeof *timers->heap);
    memset(timers, 0, sizeof *timers);
}
