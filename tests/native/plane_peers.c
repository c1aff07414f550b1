#include "plane_peers.h"

#include "simulated_system.h"

#include <stdlib.h>
#include <string.h>

#define LARGEST ((size_t)96 * 1024)
#define HEAD_SIZE 18
#define FRAME_SIZE 18

const uint8_t page_close[4] = {0x88, 2, 3, 0xe8}, page_farewell[4] = {0x88, 2, 3, 0xe9};

static uint8_t plain[LARGEST], sealed[2 * LARGEST];

/* To a page: the answer to its upgrade request, then frames of 16 bytes. */
static uint8_t page_byte(uint64_t number)
{
    static const char head[HEAD_SIZE + 1] = "HTTP/1.1 101 \r\n\r\n\x89";
    if (number < HEAD_SIZE - 1)
        return (uint8_t)head[number];
    uint64_t place = (number - (HEAD_SIZE - 1)) % FRAME_SIZE;
    return place == 0 ? 0x82 : place == 1 ? FRAME_SIZE - 2 : 0x55;
}

uint8_t pattern_up(const peers *peers, uint64_t number)
{
    return peers->spec.page ? page_byte(number) : (uint8_t)(number * 167 + (number >> 8) * 13 + 7);
}

uint8_t pattern_down(uint64_t number)
{
    return (uint8_t)(number * 59 + (number >> 8) * 101 + 3);
}

/* --- the client ------------------------------------------------------------------------------ */

void onto_wire(peers *peers, const uint8_t *data, size_t size)
{
    if (peers->wire_size + size > peers->wire_room) {
        peers->wire_room = 2 * (peers->wire_size + size);
        peers->wire = realloc(peers->wire, peers->wire_room);
        if (peers->wire == NULL)
            violation("the test needs more memory");
    }
    memcpy(peers->wire + peers->wire_size, data, size);
    peers->wire_size += size;
}

static void seal(peers *peers, uint8_t content, const uint8_t *data, size_t size)
{
    size_t made = records_seal(&peers->up_keys, content, data, size, sealed);
    if (made == 0)
        violation("the client cannot seal");
    onto_wire(peers, sealed, made);
}

/* Nothing after a fault counts. After its close, most of what a client sends is out of place. */
void note(peers *peers, int fault)
{
    if (fault == 0 || peers->alert_sent)
        return;
    if (peers->closed_sent && (fault == PLANE_EMPTY_DATA || fault == PLANE_CLOSE_PAYLOAD ||
                               fault == PLANE_ALERT_LENGTH))
        fault = PLANE_OUT_OF_PLACE;
    if (peers->fault == 0)
        peers->fault = fault;
    peers->frozen = 1;
}

void make_plain(const peers *peers, uint8_t *plain, size_t size)
{
    for (size_t i = 0; i < size; i++)
        plain[i] = pattern_up(peers, peers->up_made + i);
}

void client_data(peers *peers, size_t size)
{
    if (peers->spec.stp != NULL) {
        stp_client_data(peers, size);
    } else {
        make_plain(peers, plain, size);
        seal(peers, CONTENT_DATA, plain, size);
    }
    if (peers->closed_sent)
        note(peers, PLANE_OUT_OF_PLACE);
    peers->up_made += size;
    if (!peers->frozen)
        peers->up_valid += size;
}

void client_content(peers *peers, uint8_t content, size_t size, int fault)
{
    make_plain(peers, plain, size);
    seal(peers, content, plain, size);
    note(peers, fault);
}

void client_close(peers *peers)
{
    if (peers->spec.stp != NULL) /* which has no such record */
        return;
    seal(peers, CONTENT_CLOSE, plain, 0);
    if (peers->closed_sent)
        note(peers, PLANE_OUT_OF_PLACE);
    peers->closed_sent = peers->frozen = 1;
}

void client_alert(peers *peers, size_t text)
{
    memset(plain, 'a', 2 + text);
    plain[0] = 3;
    plain[1] = (uint8_t)text;
    seal(peers, CONTENT_ALERT, plain, 2 + text);
    if (peers->closed_sent)
        note(peers, PLANE_OUT_OF_PLACE);
    if (peers->fault == 0)
        peers->alert_sent = 1;
    peers->frozen = 1;
}

void client_forged(peers *peers, size_t size, size_t place)
{
    make_plain(peers, plain, size);
    size_t made = records_seal(&peers->up_keys, CONTENT_DATA, plain, size, sealed);
    sealed[FRAME_HEADER_SIZE + place % (made - FRAME_HEADER_SIZE)] ^= 0x40;
    onto_wire(peers, sealed, made);
    note(peers, PLANE_BAD_RECORD);
}

void client_raw(peers *peers, const uint8_t *data, size_t size, int fault)
{
    onto_wire(peers, data, size);
    note(peers, fault);
}

void client_arrive(peers *peers, size_t size)
{
    size_t there = peers->wire_size - peers->wire_start;
    if (size > there)
        size = there;
    if (size == 0 || peers->client_ended)
        return;
    simulated_put(peers->client, peers->wire + peers->wire_start, size);
    peers->wire_start += size;
}

void client_end(peers *peers)
{
    peers->client_ended = peers->frozen = 1;
    simulated_end(peers->client);
}

void client_lost(peers *peers)
{
    peers->client_reset = peers->frozen = 1;
    simulated_reset(peers->client);
}

void app_data(peers *peers, size_t size)
{
    if (peers->app_ended || peers->app_reset)
        return;
    for (size_t i = 0; i < size; i++)
        plain[i] = pattern_down(peers->down_made + i);
    peers->down_made += size;
    simulated_put(peers->socket, plain, size);
}

void app_end(peers *peers)
{
    peers->app_ended = 1;
    simulated_end(peers->socket);
}

void app_lost(peers *peers)
{
    peers->app_reset = 1;
    simulated_reset(peers->socket);
}

/* --- what must be so ------------------------------------------------------------------------ */

void client_got(peers *peers, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] != pattern_down(peers->down_seen + i))
            violation("the client got other bytes");
    peers->down_seen += size;
    if (peers->down_seen > peers->down_made)
        violation("the client got more than was sent");
}

static void check_opened(peers *peers, const frames_opened *opened)
{
    if (opened->forged || opened->taken == 0)
        violation("the client got a record that is not genuine");
    client_got(peers, sealed, opened->payload);
    peers->down_opened += opened->taken;
    if (opened->content == CONTENT_CLOSE && opened->last == 0 && !peers->app_ended)
        violation("the client got an end that was none");
    if (opened->content == CONTENT_CLOSE || opened->content == CONTENT_ALERT)
        peers->told = 1;
    else if (opened->content >= 0)
        violation("the client got a strange record");
}

static void check_client(peers *peers)
{
    size_t size;
    const uint8_t *sent = simulated_sent(peers->client, &size);
    while (size > peers->down_opened) {
        const uint8_t *head = sent + peers->down_opened;
        size_t left = size - peers->down_opened;
        frames_opened opened;
        if (peers->told)
            violation("the client got something after the end");
        if (left < FRAME_HEADER_SIZE)
            return;
        size_t fragment = (size_t)head[1] << 8 | head[2];
        if (head[0] != RECORD_PROTECTED || fragment > MAX_FRAGMENT)
            violation("the client got no record");
        if (left - FRAME_HEADER_SIZE < fragment)
            return;
        if (left > sizeof sealed)
            left = sizeof sealed;
        if (!records_open(&peers->down_keys, head, left, sealed, &opened))
            violation("the client cannot open");
        check_opened(peers, &opened);
    }
}

/* How many bytes of the pattern came to the application. */
static size_t from_client(peers *peers, const uint8_t *sent, size_t size)
{
    size_t same = peers->up_seen;
    while (same < size && same < peers->up_valid && sent[same] == pattern_up(peers, same))
        same++;
    peers->up_seen = same;
    return same;
}

static int begins_with(const uint8_t *data, size_t size, const uint8_t *rest)
{
    return memcmp(data, rest, size < 4 ? size : 4) == 0;
}

static void check_page_rest(const uint8_t *rest, size_t size, size_t before)
{
    size_t in_frame = before < HEAD_SIZE - 1 ? 1 : (before - (HEAD_SIZE - 1)) % FRAME_SIZE;
    if (begins_with(rest, size, page_close) && (in_frame == 0 || size < 4) && size <= 4)
        return;
    if (!begins_with(rest, size, page_farewell) ||
        (size > 4 && !begins_with(rest + 4, size - 4, page_close)) || size > 8)
        violation("the page got other bytes");
}

static void check_app(peers *peers)
{
    size_t size;
    const uint8_t *sent = simulated_sent(peers->socket, &size);
    size_t same = from_client(peers, sent, size);
    if (same == size)
        return;
    if (!peers->spec.page || !(peers->frozen || peers->ended))
        violation("the application got other bytes, or more than was sent");
    check_page_rest(sent + same, size - same, same);
}

/* While the other side takes nothing, a socket is read at most once more. */
static void check_pressure(uint8_t *over, size_t room, int more)
{
    if (room > 0)
        *over = 0;
    else if (more && ++*over > 2)
        violation("no back-pressure");
}

void check_streams(peers *peers)
{
    uint64_t up, down;
    if (peers->spec.stp != NULL)
        stp_check_client(peers);
    else
        check_client(peers);
    check_app(peers);
    if (peers->tunnel == NULL)
        return;
    tunnel_counts(peers->tunnel, &up, &down);
    if (up > peers->up_valid || down > peers->down_made || down < peers->down_seen)
        violation("the counts are wrong");
    if (up != peers->up || down != peers->down)
        peers->progress_at = simulated_now();
    if (peers->half_at == 0 && (peers->told || simulated_is_shut(peers->socket)))
        peers->half_at = simulated_now();
    check_pressure(&peers->up_over, simulated_room(peers->socket), up > peers->up);
    check_pressure(&peers->down_over, simulated_room(peers->client), down > peers->down);
    peers->up = up;
    peers->down = down;
}

void check_carried(peers *peers)
{
    if (peers->spec.stp != NULL)
        stp_check_hold(peers);
    int up = simulated_room(peers->socket) > 0, down = simulated_room(peers->client) > 0;
    if (peers->spec.bandwidth > 0 || peers->client_reset || peers->app_reset)
        return;
    if (peers->ended ? !peers->spec.page && ((simulated_is_open(peers->client) &&
                                              simulated_unread(peers->client)) ||
                                             (simulated_is_open(peers->socket) &&
                                              simulated_unread(peers->socket)))
                     : (up && simulated_unread(peers->client)) ||
                           (down && simulated_unread(peers->socket)))
        violation("something is left to read");
    if (peers->ended)
        return;
    if (peers->told && simulated_is_shut(peers->socket))
        violation("both directions are over, and the tunnel is not");
    if (up && peers->fault == 0 && !(peers->spec.stp != NULL && peers->app_ended) && peers->wire_start == peers->wire_size &&
        peers->up_seen != peers->up_valid)
        violation("something is left to send to the application");
    if (down && peers->down_seen != peers->down_made)
        violation("something is left to send to the client");
}

static int has_cause(const peers *peers)
{
    int64_t quiet = simulated_now() - peers->progress_at;
    int64_t age = simulated_now() - peers->begun_at;
    int stp = peers->spec.stp != NULL;
    switch (peers->ending.reason) {
    case PLANE_COMPLETED:
        return (peers->closed_sent || stp) && peers->app_ended;
    case PLANE_PEER_LEFT:
        return stp ? peers->client_ended : peers->client_reset && peers->closed_sent;
    case PLANE_PEER_LOST:
        return peers->client_reset;
    case PLANE_SOCKET_LOST:
        return peers->app_reset;
    case PLANE_TRUNCATED:
        return peers->client_ended && !stp;
    case PLANE_ALERT:
        return peers->alert_sent && peers->ending.size == 2 + (size_t)peers->ending.body[1] &&
               peers->ending.body[0] == 3;
    case PLANE_IDLE:
        return quiet >= (int64_t)peers->spec.idle_ns;
    case PLANE_HALF_CLOSE:
        return age >= (int64_t)peers->spec.half_close_ns && (peers->closed_sent || peers->app_ended);
    case PLANE_LIFETIME:
        return peers->spec.lifetime_ns > 0 && age >= (int64_t)peers->spec.lifetime_ns;
    case PLANE_STOPPED:
        return peers->stopped;
    case PLANE_OVERLOADED:
        return 0;
    default:
        return peers->fault == peers->ending.reason || peers->fault < 0;
    }
}

void check_ending(const peers *peers, int failed)
{
    if (peers->ending.reason == PLANE_RUNNING || peers->ending.reason > PLANE_STP_SPENT)
        violation("an end without a reason");
    if (!failed && !has_cause(peers))
        violation("an end without a cause");
}

void check_closed(peers *peers, int failed)
{
    size_t to_client, to_app;
    if (!peers->ended || simulated_is_open(peers->client) || simulated_is_open(peers->socket))
        violation("closed, but not ended or closed");
    simulated_sent(peers->client, &to_client);
    simulated_sent(peers->socket, &to_app);
    /* Whoever does not take what is sent is cut off in time; a reset cuts off at once. */
    if (failed || peers->client_reset || peers->app_reset ||
        simulated_now() - peers->ended_at >= 2 * SECOND)
        return;
    if (!peers->client_ended || !peers->app_ended)
        violation("closed while its peer may still send");
    if (to_client != peers->down_opened)
        violation("the last record for the client is not whole");
    if (peers->ending.reason == PLANE_COMPLETED && peers->down_seen != peers->down_made)
        violation("completed, but not all is there");
    if (peers->ending.reason == PLANE_COMPLETED && peers->spec.stp == NULL &&
        (to_app < peers->up_valid || !peers->told))
        violation("completed, but not complete");
}
