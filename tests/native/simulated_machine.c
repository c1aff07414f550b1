#include "simulated_parts.h"
#include "simulated_system.h"
#include "system.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
/* More steps than any input of the tests gives work for. */
#define MAX_STEPS 20000

typedef struct {
    int (*step)(void *);
    void *what;
    int wait, over;
} thread;

static struct {
    thread threads[THREADS];
    size_t thread_count, calls, failing, blocks, memory;
    thread *current;
    int64_t now;
    int rested;
} world;

_Noreturn void violation(const char *what)
{
    fprintf(stderr, "violation: %s\n", what);
    abort();
}

void simulated_begin(size_t failing)
{
    simulated_forget_descriptors();
    memset(&world, 0, sizeof world);
    world.failing = failing;
    world.now = 1000;
}

int simulated_fails(void)
{
    return ++world.calls == world.failing;
}

int simulated_failed(void)
{
    return world.failing > 0 && world.calls >= world.failing;
}

size_t simulated_left(void)
{
    return world.blocks + simulated_descriptors();
}

size_t simulated_memory(void)
{
    return world.memory;
}

void simulated_waits(int milliseconds, size_t events)
{
    world.current->wait = milliseconds;
    if (events > 0 || milliseconds == 0)
        world.rested = 0;
}

/* --- time and threads ----------------------------------------------------------------------- */

int64_t system_now(void)
{
    return world.now;
}

int64_t simulated_now(void)
{
    return world.now;
}

void simulated_advance(int64_t ns)
{
    world.now += ns;
}

int simulated_wait(void)
{
    int wait = -1;
    for (size_t i = 0; i < world.thread_count; i++) {
        int other = world.threads[i].wait;
        if (wait < 0 || (other >= 0 && other < wait))
            wait = other;
    }
    return wait;
}

int system_thread_start(system_thread *thread, size_t number, int (*step)(void *), void *what)
{
    (void)number;
    if (world.thread_count == THREADS)
        violation("the test needs more threads");
    if (simulated_fails()) {
        errno = EAGAIN;
        return -1;
    }
    *thread = (system_thread)world.thread_count;
    world.threads[world.thread_count].step = step;
    world.threads[world.thread_count++].what = what;
    return 0;
}

static void take_step(thread *thread)
{
    world.current = thread;
    thread->over = thread->over || !thread->step(thread->what);
}

void system_thread_join(system_thread *joined)
{
    thread *thread = &world.threads[(size_t)*joined];
    for (int i = 0; i < MAX_STEPS && !thread->over; i++)
        take_step(thread);
    if (!thread->over)
        violation("a thread that does not end");
}

void simulated_step(void)
{
    for (size_t i = 0; i < world.thread_count; i++)
        take_step(&world.threads[i]);
}

void simulated_run(void)
{
    /* A thread that wakes up for nothing says at its next wait how long it waits from now on. */
    for (int i = 0, rests = 0; i < MAX_STEPS; i++) {
        world.rested = 1;
        simulated_step();
        rests = world.rested ? rests + 1 : 0;
        if (rests == 2)
            return;
    }
    violation("the threads never rest");
}

/* --- memory --------------------------------------------------------------------------------- */

/* Stands before what was allocated, and keeps its alignment. */
typedef union {
    size_t size;
    max_align_t alignment;
} note;

void *system_allocate(size_t size)
{
    if (simulated_fails())
        return NULL;
    note *note = malloc(sizeof *note + size);
    if (note == NULL)
        violation("the test needs more memory");
    note->size = size;
    world.blocks++;
    world.memory += size;
    return note + 1;
}

void system_free(void *memory, size_t size)
{
    if (memory == NULL)
        return;
    note *found = (note *)memory - 1;
    if (found->size != size)
        violation("memory is freed, and wiped, under another size");
    world.blocks--;
    world.memory -= size;
    memset(memory, 0xdd, size);
    free(found);
}

void *system_map(size_t size)
{
    void *memory = simulated_fails() ? NULL : aligned_alloc(64, (size + 63) / 64 * 64);
    if (memory == NULL)
        return NULL;
    memset(memory, 0, size);
    world.blocks++;
    return memory;
}

void system_unmap(void *memory, size_t size)
{
    (void)size;
    if (memory == NULL)
        return;
    world.blocks--;
    free(memory);
}
