/*
 * Every call of the operating system that the data plane makes. Tests link another system.c, with
 * sockets in memory or with calls that fail.
 */
#ifndef TUNNEL_GATEWAY_SYSTEM_H
#define TUNNEL_GATEWAY_SYSTEM_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Nanoseconds of a clock that does not go back. */
int64_t system_now(void);

/* As recv and send of a socket that does not block; -1 and errno on failure. */
ssize_t system_receive(int fd, void *data, size_t size);
ssize_t system_send(int fd, const void *data, size_t size);
/* Acknowledge at once what comes next: the peer sends no more before that. */
void system_acknowledge(int fd);
/* End the data of our direction; 0, or -1 and errno. */
int system_shut(int fd);
void system_close(int fd);

/* What happened on a descriptor, by the pointer that it was watched with. */
typedef struct {
    void *what;
    int readable, ended;
} system_event;

/* Descriptors that are watched together; -1 and errno on failure. */
int system_poll_new(void);
/* Each change is told once. */
int system_poll_add(int poll, int fd, void *what);
/* Told again and again while the descriptor is readable. */
int system_poll_add_wake(int poll, int fd, void *what);
void system_poll_remove(int poll, int fd);
/* Wait at most `milliseconds`, -1: without a limit; returns how many events there are, maybe 0. */
size_t system_poll_wait(int poll, system_event *events, size_t room, int milliseconds);

/* A descriptor that is readable from system_wake until system_wake_taken; -1 on failure. */
int system_wake_new(void);
void system_wake(int fd);
void system_wake_taken(int fd);

typedef pthread_t system_thread;

/*
 * A thread without signals that calls step(what) until it returns 0; 0, or -1 and errno. Tools for
 * operators show it as tunnels-NUMBER.
 */
int system_thread_start(system_thread *thread, size_t number, int (*step)(void *), void *what);
/* Wait until the step has returned 0. */
void system_thread_join(system_thread *thread);

/* Zeroed pages that stand in no core dump; NULL without memory. */
void *system_map(size_t size);
void system_unmap(void *memory, size_t size);

/* As malloc; NULL without memory. */
void *system_allocate(size_t size);
/* Overwrite and free: what was here may have been a user's words. */
void system_free(void *memory, size_t size);

#endif
