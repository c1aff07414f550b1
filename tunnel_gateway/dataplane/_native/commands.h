/* What other threads want of the tunnels of a worker, in the order in which they said it. */
#ifndef TUNNEL_GATEWAY_COMMANDS_H
#define TUNNEL_GATEWAY_COMMANDS_H

#include "tunnel.h"

#include <pthread.h>

typedef enum { COMMAND_ADD, COMMAND_STOP, COMMAND_FAREWELL } command_kind;

typedef struct command command;

struct command {
    command *next;
    command_kind kind;
    tunnel *tunnel;
    tunnel_spec spec; /* of COMMAND_ADD */
    size_t size;
    uint8_t bytes[]; /* also those of the spec */
};

/* NULL without memory; the bytes are copied. */
command *command_new(command_kind kind, tunnel *tunnel, plane_bytes bytes);
command *command_new_add(tunnel *tunnel, const tunnel_spec *spec);
plane_bytes command_bytes(const command *command);
void command_free(command *command);

typedef struct {
    pthread_mutex_t lock;
    command *first, *last;
    tunnel *released; /* let go by Python; the next is in next_news */
} commands;

void commands_begin(commands *commands);
void commands_end(commands *commands);

/* Both return whether this is the first since the last commands_take: the worker must be woken. */
int commands_send(commands *commands, command *command);
int commands_release(commands *commands, tunnel *tunnel);

/* All commands; and the tunnels that were let go, for after them. */
command *commands_take(commands *commands, tunnel **released);

#endif
