/* Parts of the data plane for tests in Python that call them one by one; the library is theirs alone. */
#include "page_frames.h"
#include "pool.h"
#include "records.h"
#include "timers.h"

#include <stdlib.h>
#include <string.h>

/* --- frames of a page ----------------------------------------------------------------------- */

page_frames *unit_frames_new(void);
int unit_frames_state(const page_frames *frames);
void unit_free(void *memory);

page_frames *unit_frames_new(void)
{
    page_frames *frames = malloc(sizeof *frames);
    page_frames_init(frames);
    return frames;
}

/* Bit 0: started; bit 1: a close frame may be put in; bit 2: one was seen. */
int unit_frames_state(const page_frames *frames)
{
    return frames->started | page_frames_may_close(frames) << 1 | frames->close_seen << 2;
}

void unit_free(void *memory)
{
    free(memory);
}

/* --- records -------------------------------------------------------------------------------- */

record_keys *unit_keys_new(const uint8_t *secret, uint32_t left);
uint32_t unit_keys_left(const record_keys *keys);
const uint8_t *unit_keys_secret(const record_keys *keys);

record_keys *unit_keys_new(const uint8_t *secret, uint32_t left)
{
    record_keys *keys = malloc(sizeof *keys);
    if (record_keys_init(keys, secret, left))
        return keys;
    free(keys);
    return NULL;
}

uint32_t unit_keys_left(const record_keys *keys)
{
    return keys->left;
}

const uint8_t *unit_keys_secret(const record_keys *keys)
{
    return keys->secret;
}

/* --- timers and the pool -------------------------------------------------------------------- */

#define TIMERS 200

typedef struct {
    timers timers;
    timer timer[TIMERS];
} clock;

clock *unit_clock_new(void);
int unit_clock_set(clock *clock, unsigned which, int64_t at);
void unit_clock_remove(clock *clock, unsigned which);
int unit_clock_first(const clock *clock);
void unit_clock_free(clock *clock);

clock *unit_clock_new(void)
{
    return calloc(1, sizeof(clock));
}

int unit_clock_set(clock *clock, unsigned which, int64_t at)
{
    if (which >= TIMERS || !timers_reserve(&clock->timers, clock->timers.count + 1))
        return 0;
    timers_set(&clock->timers, &clock->timer[which], at);
    return 1;
}

void unit_clock_remove(clock *clock, unsigned which)
{
    if (which < TIMERS)
        timers_remove(&clock->timers, &clock->timer[which]);
}

/* Which rings first, -1: none. */
int unit_clock_first(const clock *clock)
{
    const timer *first = timers_first(&clock->timers);
    return first == NULL ? -1 : (int)(first - clock->timer);
}

void unit_clock_free(clock *clock)
{
    timers_free(&clock->timers);
    free(clock);
}

pool *unit_pool_new(size_t size);
void unit_pool_free(pool *pool);

pool *unit_pool_new(size_t size)
{
    pool *pool = malloc(sizeof *pool);
    pool_init(pool, size);
    return pool;
}

void unit_pool_free(pool *pool)
{
    pool_free(pool);
    free(pool);
}
