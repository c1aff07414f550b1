#include "endpoint.h"

#include "system.h"

#include <errno.h>
#include <string.h>

void endpoint_init(endpoint *end, struct tunnel *tunnel, int fd, int poll)
{
    *end = (endpoint){.tunnel = tunnel, .fd = fd, .poll = poll};
}

int endpoint_readable(const endpoint *end)
{
    /* Later events, about room to send for example, report the end again. */
    return end->fd >= 0 && end->readable && !end->ended;
}

received endpoint_receive(endpoint *end, uint8_t *data, size_t room, size_t *size, int *error)
{
    ssize_t got = system_receive(end->fd, data, room);
    if (got > 0) {
        *size = (size_t)got;
        /* A socket that gave less than there was room for is empty; new bytes are a new event. */
        if (*size < room && !end->hung)
            end->readable = 0;
        return RECEIVED_DATA;
    }
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        end->readable = 0;
        return RECEIVED_NOTHING;
    }
    end->readable = 0;
    if (got < 0) {
        *error = errno;
        return RECEIVED_ERROR;
    }
    end->ended = 1;
    return RECEIVED_END;
}

static void forget_unsent(endpoint *end)
{
    system_free(end->unsent, end->unsent_size);
    end->unsent = NULL;
    end->unsent_size = end->unsent_start = 0;
}

/* Returns 0 or an errno; *sent says how many bytes the socket took. */
static int send_some(endpoint *end, const uint8_t *data, size_t size, size_t *sent)
{
    *sent = 0;
    while (*sent < size) {
        ssize_t taken = system_send(end->fd, data + *sent, size - *sent);
        if (taken < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : errno;
        *sent += (size_t)taken;
    }
    return 0;
}

static int keep(endpoint *end, const uint8_t *data, size_t size)
{
    size_t waiting = end->unsent_size - end->unsent_start;
    uint8_t *unsent = system_allocate(waiting + size);
    if (unsent == NULL)
        return ENOMEM;
    if (waiting > 0)
        memcpy(unsent, end->unsent + end->unsent_start, waiting);
    memcpy(unsent + waiting, data, size);
    forget_unsent(end);
    end->unsent = unsent;
    end->unsent_size = waiting + size;
    return 0;
}

int endpoint_send(endpoint *end, const uint8_t *data, size_t size)
{
    size_t sent = 0;
    if (end->fd < 0 || end->shutting || size == 0)
        return 0;
    if (end->unsent == NULL) {
        int error = send_some(end, data, size, &sent);
        if (error != 0)
            return error;
    }
    return sent < size ? keep(end, data + sent, size - sent) : 0;
}

static void shut_when_sent(endpoint *end)
{
    if (end->shutting && !end->shut && end->unsent == NULL) {
        end->shut = 1;
        (void)system_shut(end->fd); /* fails if the peer has reset it: reading tells that */
    }
}

int endpoint_flush(endpoint *end)
{
    size_t sent;
    if (end->fd < 0)
        return 0;
    if (end->unsent != NULL) {
        int error = send_some(end, end->unsent + end->unsent_start,
                              end->unsent_size - end->unsent_start, &sent);
        if (error != 0)
            return error;
        end->unsent_start += sent;
        if (end->unsent_start == end->unsent_size)
            forget_unsent(end);
    }
    shut_when_sent(end);
    return 0;
}

void endpoint_shut(endpoint *end)
{
    end->shutting = 1;
    if (end->fd >= 0)
        shut_when_sent(end);
}

void endpoint_close(endpoint *end, int64_t now)
{
    if (end->fd < 0 || end->closing)
        return;
    end->closing = 1;
    end->deadline = now + (end->unsent != NULL ? FLUSH_NS : LINGER_NS);
    end->readable = 1; /* what waits unread would turn the close into a reset */
    if (now < end->hold)
        end->deadline = end->hold;
    else
        endpoint_shut(end);
    if (end->ended && end->unsent == NULL)
        endpoint_abort(end);
}

void endpoint_go_on_closing(endpoint *end, int64_t now, uint8_t *scratch, size_t size)
{
    size_t got;
    int error = 0, had_unsent = end->unsent != NULL;
    if (end->fd < 0)
        return;
    if (!end->shutting && now >= end->hold) {
        end->deadline = now + (had_unsent ? FLUSH_NS : LINGER_NS);
        endpoint_shut(end);
    }
    error = endpoint_flush(end);
    if (had_unsent && end->unsent == NULL && end->shutting)
        end->deadline = now + LINGER_NS;
    if (error == 0 && endpoint_readable(end))
        (void)endpoint_receive(end, scratch, size, &got, &error);
    if (error != 0 || now >= end->deadline || (end->ended && end->unsent == NULL))
        endpoint_abort(end);
}

void endpoint_abort(endpoint *end)
{
    if (end->fd < 0)
        return;
    /* Python's own descriptor of the socket may be open a moment longer. */
    system_poll_remove(end->poll, end->fd);
    system_close(end->fd);
    end->fd = -1;
    end->readable = 0;
    forget_unsent(end);
}
