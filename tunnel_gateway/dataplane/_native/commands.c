#include "commands.h"

#include "system.h"

#include <string.h>

static void append(command *command, plane_bytes *bytes)
{
    if (bytes->size > 0)
        memcpy(command->bytes + command->size, bytes->data, bytes->size);
    bytes->data = command->bytes + command->size;
    command->size += bytes->size;
}

static command *with_room(command_kind kind, tunnel *tunnel, size_t size)
{
    command *command = system_allocate(sizeof *command + size);
    if (command == NULL)
        return NULL;
    memset(command, 0, sizeof *command);
    command->kind = kind;
    command->tunnel = tunnel;
    return command;
}

command *command_new(command_kind kind, tunnel *tunnel, plane_bytes bytes)
{
    command *command = with_room(kind, tunnel, bytes.size);
    if (command != NULL)
        append(command, &bytes);
    return command;
}

command *command_new_add(tunnel *tunnel, const tunnel_spec *spec)
{
    size_t size = spec->begun.size + spec->up.size + spec->down.size;
    command *command = with_room(COMMAND_ADD, tunnel, size);
    if (command == NULL)
        return NULL;
    command->spec = *spec;
    /* The tunnel has its keys already. */
    memset(command->spec.up_secret, 0, sizeof command->spec.up_secret);
    memset(command->spec.down_secret, 0, sizeof command->spec.down_secret);
    command->spec.stp = NULL;
    append(command, &command->spec.begun);
    append(command, &command->spec.up);
    append(command, &command->spec.down);
    return command;
}

plane_bytes command_bytes(const command *command)
{
    return (plane_bytes){command->bytes, command->size};
}

void command_free(command *command)
{
    system_free(command, sizeof *command + command->size);
}

void commands_begin(commands *commands)
{
    memset(commands, 0, sizeof *commands);
    pthread_mutex_init(&commands->lock, NULL);
}

void commands_end(commands *commands)
{
    pthread_mutex_destroy(&commands->lock);
}

static int are_there(const commands *commands)
{
    return commands->first != NULL || commands->released != NULL;
}

int commands_send(commands *commands, command *command)
{
    pthread_mutex_lock(&commands->lock);
    int first = !are_there(commands);
    if (commands->first == NULL)
        commands->first = command;
    else
        commands->last->next = command;
    commands->last = command;
    pthread_mutex_unlock(&commands->lock);
    return first;
}

int commands_release(commands *commands, tunnel *tunnel)
{
    pthread_mutex_lock(&commands->lock);
    int first = !are_there(commands);
    tunnel->next_news = commands->released;
    commands->released = tunnel;
    pthread_mutex_unlock(&commands->lock);
    return first;
}

command *commands_take(commands *commands, tunnel **released)
{
    pthread_mutex_lock(&commands->lock);
    command *first = commands->first;
    *released = commands->released;
    commands->first = commands->last = NULL;
    commands->released = NULL;
    pthread_mutex_unlock(&commands->lock);
    return first;
}
