/*
 * A tunnel of the data plane with its two peers: a client that makes and opens records, and an
 * application. What they send is a pattern, so that what comes out can be compared with it.
 */
#ifndef TUNNEL_GATEWAY_PLANE_PEERS_H
#define TUNNEL_GATEWAY_PLANE_PEERS_H

#include "plane.h"
#include "records.h"
#include "stp_frames.h"

#define SECOND INT64_C(1000000000)

typedef struct {
    tunnel *tunnel; /* NULL: there is none */
    tunnel_spec spec;
    int client, socket;
    record_keys up_keys, down_keys;
    stp_writer stp_up; /* with spec.stp, in their place */
    stp_reader stp_down;
    plane_stp stp;
    uint64_t stp_got; /* what of the data had come to the client when it was looked at */
    int64_t stp_got_at, stp_over_at; /* when that changed; when the application's end was seen */
    uint8_t *wire; /* of the client, what has not arrived yet */
    size_t wire_size, wire_start, wire_room;
    uint64_t up_made, up_valid;  /* plain bytes that were sealed, and that may be carried */
    uint64_t down_made, down_seen;
    size_t down_opened; /* bytes of the records that came to the client */
    size_t up_seen;     /* bytes of the pattern that came to the application */
    uint64_t up, down; /* the counts when they were last looked at */
    int64_t begun_at, progress_at, ended_at, half_at; /* half: when one direction was over */
    int fault; /* what the client's first fault ends the tunnel with; -1: one of several */
    uint8_t frozen; /* nothing that the client sends from now on may be carried */
    uint8_t closed_sent, alert_sent, client_ended, client_reset, app_ended, app_reset, stopped;
    uint8_t told, farewell_sent, ended, closed;
    uint8_t slow, stp_shut; /* the client took nothing, once; and our data to it have ended */
    uint8_t up_over, down_over; /* how often more was read while nothing could be sent */
    tunnel_ending ending;
} peers;

/* The byte of this number that goes up, or down. */
uint8_t pattern_up(const peers *peers, uint64_t number);
uint8_t pattern_down(uint64_t number);

/* --- the client: everything goes onto the wire, from which it arrives by and by --------------- */

void client_data(peers *peers, size_t size);
/* Content of any kind; `fault` is what it ends the tunnel with, 0: it is fine. */
void client_content(peers *peers, uint8_t content, size_t size, int fault);
void client_close(peers *peers);
void client_alert(peers *peers, size_t text);
/* A record of data of which one byte is not as it was sealed. */
void client_forged(peers *peers, size_t size, size_t place);
void client_raw(peers *peers, const uint8_t *data, size_t size, int fault);
/* Let so many bytes of the wire arrive. */
void client_arrive(peers *peers, size_t size);
void client_end(peers *peers);
void client_lost(peers *peers);

void app_data(peers *peers, size_t size);
void app_end(peers *peers);
void app_lost(peers *peers);

/* --- the same with STP: plane_stp_peers.c --------------------------------------------------- */

/* The tunnel is one of STP; `choice` is mode and table of both directions. */
void stp_peers_init(peers *peers, uint8_t choice);
void stp_client_data(peers *peers, size_t size);
/* A frame without a byte, or with a fault in its header. */
void stp_client_header(peers *peers, uint8_t what);
/* Take what came out of the frames for the client; what it was is compared by client_got. */
void stp_check_client(peers *peers);
/* The threads rest: our end comes after the hold, and then at once. */
void stp_check_hold(peers *peers);

void onto_wire(peers *peers, const uint8_t *data, size_t size);
void make_plain(const peers *peers, uint8_t *plain, size_t size);
/* Nothing after a fault counts; 0: it was none. */
void note(peers *peers, int fault);
void client_got(peers *peers, const uint8_t *data, size_t size);

/* --- what must be so ------------------------------------------------------------------------ */

extern const uint8_t page_close[4], page_farewell[4];

/* At any time: what came out is what went in, as far as it has come. */
void check_streams(peers *peers);
/* The threads rest: whatever can be carried has been carried. */
void check_carried(peers *peers);
/* The end that was told has a cause. */
void check_ending(const peers *peers, int failed);
/* When both sockets are closed. */
void check_closed(peers *peers, int failed);

#endif
