#include "plane_peers.h"

#include "crc32c.h"
#include "simulated_system.h"

#include <string.h>

#define LARGEST ((size_t)96 * 1024)
#define MAX_BLOCKS 1024

static uint8_t plain[LARGEST], framed[2 * LARGEST];

static void init_stream(gost_stream *stream, uint8_t choice, uint8_t *place)
{
    static const uint8_t key[STREAM_KEY_SIZE] = {5, 6, 7}, iv[STREAM_IV_SIZE] = {8, 9};
    if (!gost_stream_init(stream, NULL, choice % 7, choice / 7 % STREAM_MODES, key, iv))
        violation("the client has no stream");
    gost_stream_save(stream, place);
}

void stp_peers_init(peers *peers, uint8_t choice)
{
    plane_stp *stp = &peers->stp;
    init_stream(&peers->stp_up.stream, choice, stp->up_place);
    init_stream(&peers->stp_down.stream, (uint8_t)(choice + 100), stp->down_place);
    peers->stp_down.max_blocks = STP_MAX_PAYLOAD / STP_BLOCK;
    stp->max_blocks = MAX_BLOCKS;
    stp->acknowledge = choice & 1;
    stp->hold_ns = choice & 2 ? SECOND : 0;
    peers->spec.stp = stp;
}

void stp_client_data(peers *peers, size_t size)
{
    make_plain(peers, plain, size);
    onto_wire(peers, framed, stp_write(&peers->stp_up, plain, size, framed));
}

static void store(uint8_t *out, uint64_t word)
{
    for (int i = 4; i--; word >>= 8)
        out[i] = (uint8_t)word;
}

void stp_client_header(peers *peers, uint8_t what)
{
    static const int faults[] = {0, PLANE_STP_CHECKSUM, PLANE_STP_COUNTER, PLANE_STP_LENGTH,
                                 PLANE_STP_LENGTH};
    what %= sizeof faults / sizeof *faults;
    store(framed, peers->stp_up.counter++ + (what == 2));
    store(framed + 4, what == 3 ? MAX_BLOCKS + 1 : 0);
    store(framed + 8, what == 4 ? STP_BLOCK : 0);
    store(framed + 12, crc32c(framed, 12) ^ (what == 1));
    gost_stream_encrypt(&peers->stp_up.stream, framed, framed, STP_HEADER_SIZE / STP_BLOCK);
    onto_wire(peers, framed, STP_HEADER_SIZE);
    note(peers, faults[what]);
}

void stp_check_client(peers *peers)
{
    size_t size, part;
    const uint8_t *sent = simulated_sent(peers->client, &size);
    for (; size - peers->down_opened >= STP_BLOCK; peers->down_opened += part) {
        stp_found found;
        part = size - peers->down_opened;
        part = part < sizeof framed ? part / STP_BLOCK * STP_BLOCK : sizeof framed;
        memcpy(framed, sent + peers->down_opened, part);
        client_got(peers, framed, stp_read(&peers->stp_down, framed, part, &found));
        if (found.fault != STP_NO_FAULT)
            violation("the client got no frame");
    }
}

static int has_no_hold(const peers *peers)
{
    int reason = peers->ending.reason;
    return peers->slow || peers->client_ended || peers->client_reset ||
           reason == PLANE_STP_CHECKSUM || reason == PLANE_STP_COUNTER ||
           reason == PLANE_STP_LENGTH;
}

void stp_check_hold(peers *peers)
{
    int64_t now = simulated_now(), hold = (int64_t)peers->stp.hold_ns;
    int shut = simulated_is_shut(peers->client);
    peers->slow |= simulated_room(peers->client) == 0;
    if (peers->down_seen != peers->stp_got)
        peers->stp_got_at = now;
    peers->stp_got = peers->down_seen;
    int over = peers->app_ended && !simulated_unread(peers->socket) &&
               simulated_room(peers->client) > 0;
    if (shut && !peers->stp_shut && !has_no_hold(peers) && now - peers->stp_got_at < hold)
        violation("the client had no time to read");
    peers->stp_shut = shut != 0;
    if (!over)
        peers->stp_over_at = 0;
    else if (peers->stp_over_at == 0)
        peers->stp_over_at = now;
    if (!peers->ended && over && now - peers->stp_over_at > hold)
        violation("the hold is over, and the tunnel is not");
}
