/*
 * The data plane with its real threads and sockets: every reason of an end, then many tunnels at once
 * whose peers are threads too, while the owner hears news, asks for figures, stops and lets go.
 */
#define _GNU_SOURCE
#include "plane.h"
#include "records.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MILLISECOND UINT64_C(1000000)
#define LONG (60000 * MILLISECOND)
#define SHORT (20 * MILLISECOND)
#define PATIENCE 60000 /* milliseconds, of a machine that does other things too */

#define MANY 24
#define PEERS 2
#define ROUNDS 8
#define MESSAGE 20000

typedef struct {
    int client, app; /* the ends of the peers */
    tunnel *tunnel;
    tunnel_spec spec;
    record_keys up, down;
    int ended, closed;
} ends;

static _Noreturn void give_up(const char *what)
{
    perror(what);
    exit(1);
}

/* --- sockets -------------------------------------------------------------------------------- */

/* A connection: one end waits, the other is for the plane and does not. */
static int connected(int *of_plane)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), ours = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (void *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (void *)&address, &size) != 0 ||
        connect(ours, (void *)&address, size) != 0)
        give_up("connect");
    *of_plane = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (*of_plane < 0)
        give_up("accept");
    close(listener);
    return ours;
}

static void reset(int *fd)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(*fd);
    *fd = -1;
}

static void leave(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int send_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return 0;
        data += sent;
        size -= (size_t)sent;
    }
    return 1;
}

static int receive_all(int fd, uint8_t *data, size_t size)
{
    return recv(fd, data, size, MSG_WAITALL) == (ssize_t)size;
}

static int send_record(ends *ends, uint8_t content, const uint8_t *data, size_t size)
{
    uint8_t *sealed = malloc(records_room(size));
    size_t made = records_seal(&ends->up, content, data, size, sealed);
    int sent = send_all(ends->client, sealed, made);
    free(sealed);
    return sent;
}

/* --- the owner ------------------------------------------------------------------------------ */

static void begin(plane *plane, ends *ends, uint64_t id)
{
    tunnel_spec *spec = &ends->spec;
    spec->id = id;
    memset(spec->up_secret, 1, SECRET_SIZE);
    memset(spec->down_secret, 2, SECRET_SIZE);
    spec->up_left = spec->down_left = 3;
    ends->client = connected(&spec->client);
    if (spec->socket < 0)
        spec->socket = open("/proc/self/exe", O_RDONLY); /* cannot be waited for */
    else
        ends->app = connected(&spec->socket);
    if (!record_keys_init(&ends->up, spec->up_secret, 3) ||
        !record_keys_init(&ends->down, spec->down_secret, 3))
        give_up("keys");
    ends->tunnel = plane_add(plane, spec);
    if (ends->tunnel == NULL)
        give_up("plane_add");
}

/* Wait for news, and note them in the ends with these ids, from 0 on. */
static void hear(plane *plane, ends *ends, size_t count)
{
    plane_news news[4];
    size_t got;
    struct pollfd ready = {.fd = plane_news_fd(plane), .events = POLLIN};
    if (poll(&ready, 1, PATIENCE) != 1)
        give_up("no news");
    do {
        got = plane_take_news(plane, news, 4);
        for (size_t i = 0; i < got; i++) {
            if (news[i].id >= count)
                give_up("news of another");
            ends[news[i].id].ended |= news[i].ended;
            ends[news[i].id].closed |= news[i].closed;
        }
    } while (got == 4);
}

/* --- every reason --------------------------------------------------------------------------- */

typedef struct {
    int reason;
    void (*act)(plane *, ends *);
    const char *raw; /* three bytes, if there is no act */
    uint8_t content; /* a record, if there are no bytes either */
    size_t size;
    uint64_t idle, half_close, lifetime;
    int socket; /* -1: a descriptor that cannot be waited for */
} ending_case;

static void complete(plane *plane, ends *ends)
{
    (void)plane;
    send_record(ends, CONTENT_CLOSE, (const uint8_t *)"", 0);
    shutdown(ends->app, SHUT_WR);
}

static void close_half(plane *plane, ends *ends)
{
    uint8_t byte;
    (void)plane;
    send_record(ends, CONTENT_CLOSE, (const uint8_t *)"", 0);
    if (recv(ends->app, &byte, 1, 0) != 0)
        give_up("no end");
}

static void close_and_reset(plane *plane, ends *ends)
{
    close_half(plane, ends);
    reset(&ends->client);
}

static void reset_client(plane *plane, ends *ends)
{
    (void)plane;
    reset(&ends->client);
}

static void reset_app(plane *plane, ends *ends)
{
    (void)plane;
    reset(&ends->app);
}

static void leave_client(plane *plane, ends *ends)
{
    (void)plane;
    leave(&ends->client);
}

static void forge(plane *plane, ends *ends)
{
    uint8_t sealed[FRAME_OVERHEAD + 1];
    (void)plane;
    records_seal(&ends->up, CONTENT_DATA, (const uint8_t *)"a", 1, sealed);
    sealed[5] ^= 1;
    send_all(ends->client, sealed, sizeof sealed);
}

static void alert(plane *plane, ends *ends)
{
    (void)plane;
    send_record(ends, CONTENT_ALERT, (const uint8_t *)"\x02\x01z", 3);
}

static void stop(plane *plane, ends *ends)
{
    plane_stop(plane, ends->tunnel, (plane_bytes){(const uint8_t *)"\x05\0", 2});
}

static void nothing(plane *plane, ends *ends)
{
    (void)plane;
    (void)ends;
}

static const ending_case cases[] = {
    {.reason = PLANE_COMPLETED, .act = complete},
    {.reason = PLANE_PEER_LEFT, .act = close_and_reset},
    {.reason = PLANE_PEER_LOST, .act = reset_client},
    {.reason = PLANE_SOCKET_LOST, .act = reset_app},
    {.reason = PLANE_TRUNCATED, .act = leave_client},
    {.reason = PLANE_BAD_RECORD, .act = forge},
    {.reason = PLANE_ALERT, .act = alert},
    {.reason = PLANE_IDLE, .act = nothing, .idle = SHORT},
    {.reason = PLANE_HALF_CLOSE, .act = close_half, .half_close = SHORT},
    {.reason = PLANE_LIFETIME, .act = nothing, .lifetime = SHORT},
    {.reason = PLANE_STOPPED, .act = stop},
    {.reason = PLANE_OVERLOADED, .act = nothing, .socket = -1},
    {.reason = PLANE_UNKNOWN_TYPE, .raw = "\x07\0\0"},
    {.reason = PLANE_RECORD_SIZE, .raw = "\x02\xff\xff"},
    {.reason = PLANE_OUT_OF_PLACE, .content = CONTENT_HANDSHAKE, .size = 4},
    {.reason = PLANE_UNKNOWN_CONTENT, .content = 9, .size = 1},
    {.reason = PLANE_EMPTY_DATA, .content = CONTENT_DATA},
    {.reason = PLANE_CLOSE_PAYLOAD, .content = CONTENT_CLOSE, .size = 1},
    {.reason = PLANE_ALERT_LENGTH, .content = CONTENT_ALERT, .size = 1},
};

static void try_case(plane *plane, const ending_case *one)
{
    tunnel_ending ending;
    ends ends = {.app = -1};
    ends.spec.idle_ns = one->idle ? one->idle : LONG;
    ends.spec.half_close_ns = one->half_close ? one->half_close : LONG;
    ends.spec.lifetime_ns = one->lifetime;
    ends.spec.socket = one->socket;
    begin(plane, &ends, 0);
    if (one->act != NULL)
        one->act(plane, &ends);
    else if (one->raw != NULL)
        send_all(ends.client, (const uint8_t *)one->raw, 3);
    else
        send_record(&ends, one->content, (const uint8_t *)"abcd", one->size);
    while (!ends.ended)
        hear(plane, &ends, 1);
    tunnel_end(ends.tunnel, &ending);
    if (ending.reason != one->reason)
        fprintf(stderr, "%d instead of %d\n", ending.reason, one->reason), exit(1);
    leave(&ends.client);
    leave(&ends.app);
    while (!ends.closed)
        hear(plane, &ends, 1);
    tunnel_release(plane, ends.tunnel);
}

/* --- many at once --------------------------------------------------------------------------- */

static int receive_message(ends *ends, uint8_t *in, uint8_t *out)
{
    size_t have = 0, opened_bytes = 0;
    while (opened_bytes < MESSAGE) {
        frames_opened opened;
        ssize_t got = recv(ends->client, in + have, 2 * MESSAGE - have, 0);
        if (got <= 0)
            return 0;
        have += (size_t)got;
        do {
            if (!records_open(&ends->down, in, have, out, &opened) || opened.forged)
                return 0;
            opened_bytes += opened.payload;
            have -= opened.taken;
            memmove(in, in + opened.taken, have);
            if (opened.content >= 0)
                return 0;
        } while (opened.taken > 0);
    }
    return 1;
}

/* Some messages each way, then one of several ends. */
static void talk(ends *ends, uint8_t *in, uint8_t *out)
{
    for (int i = 0; i < ROUNDS; i++) {
        memset(in, i, MESSAGE);
        if (!send_record(ends, CONTENT_DATA, in, MESSAGE) || !receive_all(ends->app, out, MESSAGE))
            return;
        if (memcmp(in, out, MESSAGE) != 0)
            give_up("other bytes");
        if (!send_all(ends->app, out, MESSAGE) || !receive_message(ends, in, out))
            return;
    }
    if (ends->spec.id % 3 == 0)
        complete(NULL, ends);
    else if (ends->spec.id % 3 == 1)
        reset(&ends->app);
}

static void *be_peers(void *argument)
{
    ends *first = argument;
    uint8_t *in = malloc(2 * MESSAGE), *out = malloc(2 * MESSAGE);
    for (size_t i = 0; i < MANY / PEERS; i++) {
        talk(&first[i], in, out);
        leave(&first[i].client);
        leave(&first[i].app);
    }
    free(in);
    free(out);
    return NULL;
}

/* What the owner asks for while the threads work. */
static void ask(plane *plane, ends *ends)
{
    worker_figures figures;
    uint64_t up, down;
    for (size_t i = 0; i < plane_workers(plane); i++)
        plane_figures(plane, i, &figures);
    for (size_t i = 0; i < MANY; i++)
        if (ends[i].tunnel != NULL)
            tunnel_counts(ends[i].tunnel, &up, &down);
}

static size_t let_go(plane *plane, ends *ends)
{
    size_t left = 0;
    for (size_t i = 0; i < MANY; i++) {
        tunnel_ending ending;
        if (ends[i].tunnel != NULL && ends[i].ended) {
            tunnel_end(ends[i].tunnel, &ending);
            (void)tunnel_page_state(ends[i].tunnel);
            plane_stop(plane, ends[i].tunnel, (plane_bytes){NULL, 0}); /* too late */
        }
        if (ends[i].tunnel != NULL && ends[i].closed) {
            tunnel_release(plane, ends[i].tunnel);
            ends[i].tunnel = NULL;
        }
        left += ends[i].tunnel != NULL;
    }
    return left;
}

static void try_many(plane *plane)
{
    static ends many[MANY];
    pthread_t peers[PEERS];
    memset(many, 0, sizeof many);
    for (size_t i = 0; i < MANY; i++) {
        many[i].spec.idle_ns = many[i].spec.half_close_ns = LONG;
        begin(plane, &many[i], i);
    }
    for (size_t i = 0; i < PEERS; i++)
        pthread_create(&peers[i], NULL, be_peers, &many[i * (MANY / PEERS)]);
    for (size_t i = 5; i < MANY; i += 8)
        plane_stop(plane, many[i].tunnel, (plane_bytes){NULL, 0});
    do {
        ask(plane, many);
        hear(plane, many, MANY);
    } while (let_go(plane, many) > 0);
    for (size_t i = 0; i < PEERS; i++)
        pthread_join(peers[i], NULL);
}

int main(void)
{
    plane_bytes alerts[PLANE_ALERTS] = {{(const uint8_t *)"\1\0", 2}};
    for (int i = 1; i < PLANE_ALERTS; i++)
        alerts[i] = alerts[0];
    plane *plane = plane_new(2, alerts);
    if (plane == NULL)
        give_up("plane_new");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        try_case(plane, &cases[i]);
    if (sizeof cases / sizeof *cases != PLANE_ALERT_LENGTH)
        give_up("a reason without a case");
    try_many(plane);
    ends alive = {.spec = {.idle_ns = LONG, .half_close_ns = LONG}};
    begin(plane, &alive, 0);
    plane_free(plane); /* with a tunnel in it */
    leave(&alive.client);
    leave(&alive.app);
    puts("done");
    return 0;
}
