#include "plane_owner.h"

#include "simulated_system.h"

#include <stdlib.h>
#include <string.h>

/* No tunnel may hold more: what one turn reads, and what was read before it began. */
#define MAX_MEMORY ((size_t)TUNNELS * 1024 * 1024)
#define MAX_WIND_DOWN 400

uint8_t next(scenario *scenario)
{
    if (scenario->size == 0)
        return 0;
    scenario->size--;
    return *scenario->data++;
}

/* --- what the owner does -------------------------------------------------------------------- */

static void choose_limits(scenario *scenario, peers *peers)
{
    tunnel_spec *spec = &peers->spec;
    uint8_t choice = next(scenario);
    spec->idle_ns = 5 * SECOND;
    spec->half_close_ns = 3 * SECOND;
    spec->lifetime_ns = choice & 1 ? 20 * SECOND : 0;
    spec->bandwidth = choice & 2 ? 2000 : 0;
    spec->page = (choice & 4) != 0;
    if (spec->page && choice & 8)
        spec->page_close = (plane_bytes){page_close, sizeof page_close};
    spec->peer_closed = (choice & 0x30) == 0x30;
    spec->up_left = choice & 0x40 ? 256 : next(scenario);
    spec->down_left = choice & 0x40 ? 256 : next(scenario);
    if ((choice & 0x80) == 0)
        return;
    spec->peer_closed = 0;
    stp_peers_init(peers, next(scenario));
}

/* Up and down come from before; the beginning of a record may too. */
static void choose_before(scenario *scenario, peers *peers, uint8_t *up, uint8_t *down)
{
    tunnel_spec *spec = &peers->spec;
    peers->up_made = peers->up_valid = next(scenario);
    peers->down_made = next(scenario);
    for (size_t i = 0; i < 256; i++) {
        up[i] = pattern_up(peers, i);
        down[i] = pattern_down(i);
    }
    spec->up = (plane_bytes){up, peers->up_made};
    spec->down = (plane_bytes){down, peers->down_made};
    peers->closed_sent = peers->frozen = spec->peer_closed != 0;
    size_t begun = next(scenario);
    if (begun < 128 || spec->stp != NULL)
        return;
    client_data(peers, 120);
    spec->begun = (plane_bytes){peers->wire, begun - 127};
    peers->wire_start = begun - 127;
}

int begin_peers(scenario *scenario, peers *peers)
{
    uint8_t up[256], down[256];
    tunnel_spec *spec = &peers->spec;
    memset(peers, 0, sizeof *peers);
    choose_limits(scenario, peers);
    memset(spec->up_secret, 1, SECRET_SIZE);
    memset(spec->down_secret, 2, SECRET_SIZE);
    peers->client = spec->client = simulated_socket();
    peers->socket = spec->socket = simulated_socket();
    simulated_set_room(peers->client, 1 << 30);
    simulated_set_room(peers->socket, 1 << 30);
    spec->id = ++scenario->added;
    if (!record_keys_init(&peers->up_keys, spec->up_secret, spec->up_left) ||
        !record_keys_init(&peers->down_keys, spec->down_secret, spec->down_left))
        violation("the client has no keys");
    choose_before(scenario, peers, up, down);
    peers->begun_at = peers->progress_at = simulated_now();
    peers->tunnel = plane_add(scenario->plane, spec);
    if (peers->tunnel != NULL)
        return 1;
    if (!simulated_failed())
        violation("a tunnel was not taken");
    simulated_take_back(peers->client);
    simulated_take_back(peers->socket);
    free(peers->wire);
    peers->wire = NULL;
    peers->wire_room = peers->wire_size = 0;
    return 0;
}

void release(scenario *scenario, peers *peers, int late)
{
    if (!peers->closed)
        return;
    /* A stop and a farewell that come too late are nothing, but have to be survived. */
    if (late & 1)
        (void)plane_stop(scenario->plane, peers->tunnel, (plane_bytes){page_close, 2});
    if (late & 2)
        (void)plane_farewell(scenario->plane, peers->tunnel, (plane_bytes){page_farewell, 4});
    tunnel_release(scenario->plane, peers->tunnel);
    free(peers->wire);
    peers->wire = NULL;
    peers->tunnel = NULL;
}

void stop(scenario *scenario, peers *peers)
{
    static const uint8_t body[2] = {9, 0};
    peers->stopped = 1;
    (void)plane_stop(scenario->plane, peers->tunnel, (plane_bytes){body, sizeof body});
}

void farewell(scenario *scenario, peers *peers, size_t size)
{
    if (!peers->ended || peers->closed || peers->farewell_sent)
        return;
    peers->farewell_sent = 1;
    (void)tunnel_page_state(peers->tunnel);
    (void)plane_farewell(scenario->plane, peers->tunnel, (plane_bytes){page_farewell, size});
}

/* --- what must be so ------------------------------------------------------------------------ */

static void check_in_time(const peers *peers, int late)
{
    int64_t over = simulated_now() - peers->progress_at - (int64_t)peers->spec.idle_ns;
    if (peers->ending.reason == PLANE_IDLE && !late && over > MILLISECOND)
        violation("an end that comes too late");
}

static void take_news(scenario *scenario, const plane_news *news)
{
    for (size_t i = 0; i < TUNNELS; i++) {
        peers *peers = &scenario->peers[i];
        if (peers->tunnel == NULL || peers->spec.id != news->id)
            continue;
        if (peers->closed || (peers->ended && !news->closed) || !news->ended)
            violation("news that are none");
        if (!peers->ended) {
            peers->ended = 1;
            peers->ended_at = simulated_now();
            tunnel_end(peers->tunnel, &peers->ending);
            check_ending(peers, simulated_failed());
            check_in_time(peers, scenario->late);
        }
        peers->closed = news->closed != 0;
        return;
    }
    violation("news of a tunnel that is gone");
}

/* The threads rest: no limit that has passed may be open. */
static void check_limits(const peers *peers, int late)
{
    int64_t now = simulated_now();
    if (!peers->ended && (now - peers->progress_at >= (int64_t)peers->spec.idle_ns ||
                          (peers->half_at > 0 &&
                           now - peers->half_at >= (int64_t)peers->spec.half_close_ns) ||
                          (peers->spec.lifetime_ns > 0 &&
                           now - peers->begun_at >= (int64_t)peers->spec.lifetime_ns)))
        violation("a limit has passed");
    if (peers->ended && !peers->closed && !late && now - peers->ended_at > 63 * SECOND)
        violation("a close takes too long");
}

static void observe(scenario *scenario)
{
    plane_news news[2];
    size_t count;
    for (size_t i = 0; i < TUNNELS; i++)
        if (scenario->peers[i].tunnel != NULL)
            check_streams(&scenario->peers[i]);
    do {
        count = plane_take_news(scenario->plane, news, 2);
        for (size_t i = 0; i < count; i++)
            take_news(scenario, &news[i]);
    } while (count == 2);
    for (size_t i = 0; i < TUNNELS; i++) {
        peers *peers = &scenario->peers[i];
        if (peers->tunnel != NULL)
            check_limits(peers, scenario->late);
        if (peers->tunnel != NULL && !simulated_failed())
            check_carried(peers);
        if (peers->tunnel != NULL && peers->closed)
            check_closed(peers, simulated_failed());
    }
    if (simulated_memory() > MAX_MEMORY)
        violation("too much memory");
}

void look(scenario *scenario)
{
    simulated_run();
    observe(scenario);
}

/* --- the end -------------------------------------------------------------------------------- */

void wind_down(scenario *scenario, int farewells)
{
    for (int i = 0; i < MAX_WIND_DOWN; i++) {
        size_t there = 0;
        look(scenario);
        for (size_t j = 0; j < TUNNELS && farewells; j++)
            if (scenario->peers[j].tunnel != NULL)
                farewell(scenario, &scenario->peers[j], sizeof page_farewell);
        look(scenario);
        for (size_t j = 0; j < TUNNELS; j++) {
            if (scenario->peers[j].tunnel != NULL)
                release(scenario, &scenario->peers[j], i);
            there += scenario->peers[j].tunnel != NULL;
        }
        look(scenario);
        if (there == 0)
            return;
        int wait = simulated_wait();
        if (wait < 0)
            violation("a tunnel without a limit");
        simulated_advance(wait * MILLISECOND);
    }
    violation("a tunnel that never ends");
}
