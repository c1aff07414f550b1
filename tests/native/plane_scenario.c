#include "plane_scenario.h"

#include "plane_owner.h"
#include "simulated_system.h"

#include <stdlib.h>

/* --- what happens ---------------------------------------------------------------------------- */

static void send_raw(scenario *scenario, peers *peers, uint8_t how)
{
    static const struct {
        uint8_t data[6];
        size_t size;
        int fault;
    } raw[] = {
        {{RECORD_HELLO, 0, 2, 9, 9}, 5, PLANE_OUT_OF_PLACE},
        {{RECORD_ALERT, 0, 2, 2, 0}, 5, PLANE_OUT_OF_PLACE},
        {{0, 0, 0}, 3, PLANE_UNKNOWN_TYPE},
        {{7, 0, 0}, 3, PLANE_UNKNOWN_TYPE},
        {{RECORD_PROTECTED, 0x7f, 0xff}, 3, PLANE_RECORD_SIZE},
        {{RECORD_HELLO, 5, 0}, 3, PLANE_RECORD_SIZE},
        {{RECORD_ALERT, 2, 0}, 3, PLANE_RECORD_SIZE},
        {{RECORD_PROTECTED, 0, 3, 1, 1, 1}, 6, PLANE_BAD_RECORD},
    };
    uint8_t bytes[4];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = next(scenario);
    if (how >= 8)
        client_raw(peers, bytes, 1 + how % 4, -1);
    else
        client_raw(peers, raw[how].data, raw[how].size, raw[how].fault);
}

static void send_fault(scenario *scenario, peers *peers, uint8_t what, uint8_t how)
{
    if (peers->spec.stp != NULL) {
        stp_client_header(peers, how);
        return;
    }
    switch (what) {
    case 0:
        client_content(peers, CONTENT_CLOSE, 1 + (size_t)how, PLANE_CLOSE_PAYLOAD);
        break;
    case 1:
        client_content(peers, CONTENT_ALERT, how & 1, PLANE_ALERT_LENGTH);
        break;
    case 2:
        client_content(peers, CONTENT_HANDSHAKE, how, PLANE_OUT_OF_PLACE);
        break;
    case 3:
        client_content(peers, how < 8 ? 0 : (uint8_t)(how | 8), how, PLANE_UNKNOWN_CONTENT);
        break;
    case 4:
        client_content(peers, CONTENT_DATA, 0, PLANE_EMPTY_DATA);
        break;
    case 5:
        client_forged(peers, 1 + (size_t)how, next(scenario));
        break;
    case 6:
        send_raw(scenario, peers, how % 16);
        break;
    default:
        client_alert(peers, how);
    }
}

static void send_tiny(peers *peers, uint8_t how)
{
    for (int i = 0; i < 2 * how; i++)
        client_data(peers, 1);
}

static size_t large(uint8_t how)
{
    return 16384u * (1 + how % 5) - how;
}

static size_t room(uint8_t how)
{
    return how < 64 ? 1 << 30 : (size_t)(how - 64) * (how - 64);
}

/* A side that gets room takes something, even if there is none left at the next look. */
static void set_room(uint8_t *over, int fd, size_t room)
{
    if (room > 0)
        *over = 0;
    simulated_set_room(fd, room);
}

/* The parts are as wide as what happens is frequent: most tunnels live a while. */
static void client_acts(scenario *scenario, peers *peers, uint8_t what, uint8_t how)
{
    if (what < 30)
        client_data(peers, 1 + (size_t)how);
    else if (what < 38)
        client_data(peers, large(how));
    else if (what < 42) /* each byte in a record of its own: the keys change soon */
        send_tiny(peers, how);
    else if (what < 50)
        send_fault(scenario, peers, what - 42, how);
    else if (what < 56)
        client_close(peers);
    else if (what < 60)
        client_end(peers);
    else if (what < 62)
        client_lost(peers);
    else
        set_room(&peers->down_over, peers->client, room(how));
    /* What was made arrives later, if at all, and then in pieces, or with the next. */
    if (what < 56 && how % 8 > 0)
        client_arrive(peers, SIZE_MAX);
}

static void app_acts(peers *peers, uint8_t what, uint8_t how)
{
    if (what < 30)
        app_data(peers, 1 + (size_t)how);
    else if (what < 40)
        app_data(peers, large(how));
    else if (what < 46)
        app_end(peers);
    else if (what < 48)
        app_lost(peers);
    else
        set_room(&peers->up_over, peers->socket, room(how));
}

static void system_acts(peers *peers, uint8_t what, uint8_t how)
{
    if (what < 24)
        client_arrive(peers, how < 100 ? SIZE_MAX : how < 200 ? (size_t)how * 80 : 1);
    else if (what < 34)
        simulated_disturb(peers->client);
    else if (what < 44)
        simulated_disturb(peers->socket);
    else if (what < 54)
        set_room(&peers->down_over, peers->client, room(how));
    else
        set_room(&peers->up_over, peers->socket, room(how));
}

/* Threads that wait wake up in time, except after a time in which nothing ran at all. */
static void pass_time(scenario *scenario, uint8_t how)
{
    int wait = simulated_wait();
    int64_t left = (how % 128 + 1) * (how & 1 ? SECOND / 8 : MILLISECOND);
    if (how < 128 && wait > 0)
        left = wait * MILLISECOND;
    if (how == 255) {
        scenario->late = 1;
        simulated_advance(left);
    }
    while (how != 255 && left > 0) {
        wait = simulated_wait();
        int64_t part = wait > 0 && wait * MILLISECOND < left ? wait * MILLISECOND : left;
        simulated_advance(part);
        left -= part;
        look(scenario);
    }
}

static void owner_acts(scenario *scenario, peers *peers, uint8_t what, uint8_t how)
{
    if (what < 4 && peers->tunnel != NULL)
        stop(scenario, peers);
    else if (what < 12 && peers->tunnel != NULL)
        farewell(scenario, peers, how & 1 ? sizeof page_farewell : 0);
    else if (what < 24 && peers->tunnel != NULL)
        release(scenario, peers, how);
    else if (what < 36 && peers->tunnel == NULL && scenario->added < MAX_ADDED)
        (void)begin_peers(scenario, peers);
    else if (what >= 36 && what < 40)
        scenario->batch = how & 1;
    else if (what >= 40) {
        look(scenario); /* what happened before was at its time */
        pass_time(scenario, how);
    }
}

static void happen(scenario *scenario)
{
    uint8_t what = next(scenario), how = next(scenario);
    peers *peers = &scenario->peers[next(scenario) % TUNNELS];
    if (what >= 192)
        owner_acts(scenario, peers, what - 192, how);
    else if (peers->tunnel == NULL)
        ;
    else if (what >= 128)
        system_acts(peers, what - 128, how);
    else if (what >= 64)
        app_acts(peers, what - 64, how);
    else
        client_acts(scenario, peers, what, how);
    if (!scenario->batch)
        look(scenario);
}

/* --- from the beginning to the end ----------------------------------------------------------- */

static plane *new_plane(size_t workers)
{
    static const uint8_t body[3] = {1, 1, 'a'};
    plane_bytes alerts[PLANE_ALERTS];
    for (int i = 0; i < PLANE_ALERTS; i++)
        alerts[i] = (plane_bytes){body, sizeof body};
    return plane_new(workers, alerts);
}

static void check_figures(const scenario *scenario)
{
    for (size_t i = 0; i < plane_workers(scenario->plane); i++) {
        worker_figures figures;
        plane_figures(scenario->plane, i, &figures);
        if (figures.tunnels != 0)
            violation("a tunnel that is gone is counted");
    }
}

int play(const uint8_t *input, size_t size, size_t failing)
{
    static scenario scenario;
    scenario = (struct scenario){.data = input, .size = size};
    simulated_begin(failing);
    uint8_t how = next(&scenario);
    scenario.plane = new_plane(how & 1 ? 2 : 1);
    if (scenario.plane == NULL && !simulated_failed())
        violation("no plane");
    if (scenario.plane != NULL) {
        (void)begin_peers(&scenario, &scenario.peers[0]);
        while (scenario.size > 0)
            happen(&scenario);
        if (!(how & 4)) { /* otherwise the plane is freed with tunnels in it */
            wind_down(&scenario, how & 2);
            check_figures(&scenario);
        }
        plane_free(scenario.plane);
    }
    for (size_t i = 0; i < TUNNELS; i++)
        free(scenario.peers[i].wire);
    if (simulated_left() > 0)
        violation("memory or a descriptor is left");
    return simulated_failed();
}
