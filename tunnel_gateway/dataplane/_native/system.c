#define _GNU_SOURCE
#include "system.h"

#include "gost28147.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_EVENTS 256
#define STACK_SIZE ((size_t)256 * 1024)

int64_t system_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

ssize_t system_receive(int fd, void *data, size_t size)
{
    ssize_t received;
    do
        received = recv(fd, data, size, MSG_DONTWAIT);
    while (received < 0 && errno == EINTR);
    return received;
}

ssize_t system_send(int fd, const void *data, size_t size)
{
    ssize_t sent;
    do
        sent = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

void system_acknowledge(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

int system_shut(int fd)
{
    return shutdown(fd, SHUT_WR);
}

void system_close(int fd)
{
    close(fd);
}

int system_poll_new(void)
{
    return epoll_create1(EPOLL_CLOEXEC);
}

static int watch(int poll, int fd, void *what, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = what};
    return epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
}

int system_poll_add(int poll, int fd, void *what)
{
    return watch(poll, fd, what, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

int system_poll_add_wake(int poll, int fd, void *what)
{
    return watch(poll, fd, what, EPOLLIN);
}

void system_poll_remove(int poll, int fd)
{
    epoll_ctl(poll, EPOLL_CTL_DEL, fd, NULL);
}

size_t system_poll_wait(int poll, system_event *events, size_t room, int milliseconds)
{
    struct epoll_event found[MAX_EVENTS];
    int count = epoll_wait(poll, found, (int)(room < MAX_EVENTS ? room : MAX_EVENTS), milliseconds);
    for (int i = 0; i < count; i++) {
        uint32_t bits = found[i].events;
        events[i] = (system_event){
            .what = found[i].data.ptr,
            .readable = (bits & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0,
            .ended = (bits & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0,
        };
    }
    return count > 0 ? (size_t)count : 0;
}

int system_wake_new(void)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void system_wake(int fd)
{
    /* A full counter is readable already. */
    (void)eventfd_write(fd, 1);
}

void system_wake_taken(int fd)
{
    eventfd_t count;
    (void)eventfd_read(fd, &count);
}

typedef struct task {
    size_t number;
    int (*step)(void *);
    void *what;
} task;

static void name(size_t number)
{
    char name[16]; /* the kernel keeps no more; the number is less than 1024 */
    snprintf(name, sizeof name, "tunnels-%zu", number);
    /* By itself, because the name of another thread needs /proc. */
    pthread_setname_np(pthread_self(), name);
}

static void *run(void *argument)
{
    task task = *(struct task *)argument;
    free(argument);
    name(task.number);
    while (task.step(task.what))
        ;
    return NULL;
}

int system_thread_start(system_thread *thread, size_t number, int (*step)(void *), void *what)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    task *task = malloc(sizeof *task);
    if (task == NULL)
        return -1;
    task->number = number;
    task->step = step;
    task->what = what;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(thread, &attributes, run, task);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error == 0)
        return 0;
    free(task);
    errno = error;
    return -1;
}

void system_thread_join(system_thread *thread)
{
    pthread_join(*thread, NULL);
}

void *system_map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    madvise(memory, size, MADV_DONTDUMP);
    return memory;
}

void system_unmap(void *memory, size_t size)
{
    if (memory != NULL)
        munmap(memory, size);
}

void *system_allocate(size_t size)
{
    return malloc(size);
}

void system_free(void *memory, size_t size)
{
    if (memory == NULL)
        return;
    gost_wipe(memory, size);
    free(memory);
}
