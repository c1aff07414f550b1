#include "simulated_parts.h"
#include "simulated_system.h"
#include "system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 10
#define DESCRIPTORS 96

typedef struct {
    uint8_t *data;
    size_t size, room;
} stream;

typedef enum { UNUSED, SOCKET, POLL, WAKE, GONE } kind;

typedef struct {
    kind kind;
    int poll; /* that watches it */
    void *what;
    uint8_t edge, ended, end_told, reset, shut, signalled;
    size_t room, taken; /* what can be sent, and what was received */
    stream in, out;
} descriptor;

static struct {
    descriptor descriptors[DESCRIPTORS];
    size_t used;
} world;

void simulated_forget_descriptors(void)
{
    for (size_t i = 0; i < world.used; i++) {
        free(world.descriptors[i].in.data);
        free(world.descriptors[i].out.data);
    }
    memset(&world, 0, sizeof world);
}

size_t simulated_descriptors(void)
{
    size_t left = 0;
    for (size_t i = 0; i < world.used; i++)
        left += world.descriptors[i].kind != GONE;
    return left;
}

/* --- descriptors ---------------------------------------------------------------------------- */

static int new_descriptor(kind kind)
{
    if (world.used == DESCRIPTORS)
        violation("the test needs more descriptors");
    world.descriptors[world.used] = (descriptor){.kind = kind, .poll = -1};
    return FIRST + (int)world.used++;
}

static descriptor *any(int fd)
{
    if (fd < FIRST || (size_t)(fd - FIRST) >= world.used)
        violation("a descriptor that never was");
    return &world.descriptors[fd - FIRST];
}

static descriptor *get(int fd, kind kind)
{
    descriptor *found = any(fd);
    if (found->kind != kind)
        violation(found->kind == GONE ? "a descriptor that is closed" : "another descriptor");
    return found;
}

static void append(stream *stream, const uint8_t *data, size_t more)
{
    if (stream->size + more > stream->room) {
        stream->room = 2 * (stream->size + more);
        stream->data = realloc(stream->data, stream->room);
        if (stream->data == NULL)
            violation("the test needs more memory");
    }
    if (more > 0)
        memcpy(stream->data + stream->size, data, more);
    stream->size += more;
}

int simulated_socket(void)
{
    return new_descriptor(SOCKET);
}

void simulated_put(int fd, const uint8_t *data, size_t size)
{
    descriptor *socket = any(fd);
    if (socket->kind == GONE || socket->ended || socket->reset)
        return;
    append(&socket->in, data, size);
    socket->edge |= size > 0;
}

void simulated_end(int fd)
{
    any(fd)->ended = any(fd)->edge = 1;
}

void simulated_reset(int fd)
{
    any(fd)->reset = any(fd)->edge = 1;
}

void simulated_set_room(int fd, size_t room)
{
    descriptor *socket = any(fd);
    socket->edge |= room > socket->room;
    socket->room = room;
}

size_t simulated_room(int fd)
{
    return any(fd)->room;
}

int simulated_unread(int fd)
{
    const descriptor *socket = any(fd);
    return socket->in.size > socket->taken || (socket->ended && !socket->end_told);
}

void simulated_disturb(int fd)
{
    any(fd)->edge = 1;
}

const uint8_t *simulated_sent(int fd, size_t *size)
{
    *size = any(fd)->out.size;
    return any(fd)->out.data;
}

int simulated_is_open(int fd)
{
    return any(fd)->kind == SOCKET;
}

int simulated_is_shut(int fd)
{
    return any(fd)->shut;
}

void simulated_take_back(int fd)
{
    get(fd, SOCKET)->kind = GONE;
}

ssize_t system_receive(int fd, void *data, size_t size)
{
    descriptor *socket = get(fd, SOCKET);
    if (size == 0)
        violation("nothing is asked of a socket");
    if (simulated_fails() || socket->reset) {
        errno = ECONNRESET;
        return -1;
    }
    size_t there = socket->in.size - socket->taken;
    if (there == 0) {
        errno = EAGAIN;
        socket->end_told = socket->ended;
        return socket->ended ? 0 : -1;
    }
    size_t taken = there < size ? there : size;
    memcpy(data, socket->in.data + socket->taken, taken);
    socket->taken += taken;
    return (ssize_t)taken;
}

ssize_t system_send(int fd, const void *data, size_t size)
{
    descriptor *socket = get(fd, SOCKET);
    if (socket->shut)
        violation("data after the end");
    if (simulated_fails() || socket->reset) {
        errno = EPIPE;
        return -1;
    }
    size_t taken = size < socket->room ? size : socket->room;
    if (taken == 0) {
        errno = EAGAIN;
        return -1;
    }
    append(&socket->out, data, taken);
    socket->room -= taken;
    return (ssize_t)taken;
}

/* Time passes in steps here, so that nothing is late. */
void system_acknowledge(int fd)
{
    (void)fd;
}

int system_shut(int fd)
{
    descriptor *socket = get(fd, SOCKET);
    if (socket->shut)
        violation("an end after the end");
    socket->shut = 1;
    if (!simulated_fails() && !socket->reset)
        return 0;
    errno = ENOTCONN;
    return -1;
}

void system_close(int fd)
{
    descriptor *found = any(fd);
    if (found->kind == GONE)
        violation("closed twice");
    if (found->kind == SOCKET && found->poll >= 0)
        violation("closed while it is watched");
    found->kind = GONE;
}

/* --- waiting -------------------------------------------------------------------------------- */

static int new_or_failed(kind kind)
{
    if (!simulated_fails())
        return new_descriptor(kind);
    errno = EMFILE;
    return -1;
}

int system_poll_new(void)
{
    return new_or_failed(POLL);
}

static int watch(int poll, descriptor *watched, void *what)
{
    (void)get(poll, POLL);
    if (watched->poll >= 0)
        violation("watched twice");
    if (simulated_fails()) {
        errno = ENOSPC;
        return -1;
    }
    watched->poll = poll;
    watched->what = what;
    watched->edge = 1;
    return 0;
}

int system_poll_add(int poll, int fd, void *what)
{
    return watch(poll, get(fd, SOCKET), what);
}

int system_poll_add_wake(int poll, int fd, void *what)
{
    return watch(poll, get(fd, WAKE), what);
}

void system_poll_remove(int poll, int fd)
{
    (void)get(poll, POLL);
    get(fd, SOCKET)->poll = -1;
}

/* As epoll: a change of one kind reports everything that is so. */
static int event_of(descriptor *watched, system_event *event)
{
    int due = watched->kind == WAKE ? watched->signalled : watched->edge;
    if (!due)
        return 0;
    int ended = watched->ended || watched->reset;
    int bytes = watched->in.size > watched->taken;
    watched->edge = 0;
    *event = (system_event){.what = watched->what, .readable = bytes || ended, .ended = ended};
    return 1;
}

size_t system_poll_wait(int poll, system_event *events, size_t room, int milliseconds)
{
    size_t count = 0;
    (void)get(poll, POLL);
    for (size_t i = 0; i < world.used && count < room; i++) {
        descriptor *watched = &world.descriptors[i];
        if (watched->poll == poll && watched->kind != GONE)
            count += (size_t)event_of(watched, &events[count]);
    }
    simulated_waits(milliseconds, count);
    return count;
}

int system_wake_new(void)
{
    return new_or_failed(WAKE);
}

void system_wake(int fd)
{
    get(fd, WAKE)->signalled = 1;
}

void system_wake_taken(int fd)
{
    get(fd, WAKE)->signalled = 0;
}
