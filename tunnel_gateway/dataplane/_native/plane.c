#include "plane.h"

#include "plane_parts.h"
#include "pool.h"
#include "system.h"
#include "worker.h"

#include <errno.h>
#include <string.h>

#define MAX_WORKERS 1024

_Static_assert(sizeof(tunnel) < POOL_PAGES / 2, "a block of the pool holds several tunnels");

struct plane {
    plane_alert alerts[PLANE_ALERTS];
    pthread_mutex_t lock; /* of the pool and of the news */
    pool pool;
    tunnel *first_news, *last_news;
    int news_wake;
    size_t count, room; /* of the workers that run, and of all */
    worker workers[];
};

/* --- start and end -------------------------------------------------------------------------- */

static size_t size_of(size_t workers)
{
    return sizeof(plane) + workers * sizeof(worker);
}

static int take_alerts(plane *plane, const plane_bytes alerts[PLANE_ALERTS])
{
    for (size_t i = 0; i < PLANE_ALERTS; i++) {
        if (alerts[i].size > PLANE_MAX_ALERT)
            return 0;
        plane->alerts[i].size = alerts[i].size;
        if (alerts[i].size > 0)
            memcpy(plane->alerts[i].data, alerts[i].data, alerts[i].size);
    }
    return 1;
}

static void end_workers(plane *plane)
{
    int error = errno;
    /* No thread may tell news any more when the first tunnel goes. */
    for (size_t i = 0; i < plane->count; i++)
        worker_stop(&plane->workers[i]);
    while (plane->count > 0)
        worker_end(&plane->workers[--plane->count]);
    errno = error;
}

static plane *refused(plane *plane, int error)
{
    if (plane != NULL)
        system_free(plane, size_of(plane->room));
    errno = error;
    return NULL;
}

plane *plane_new(size_t workers, const plane_bytes alerts[PLANE_ALERTS])
{
    if (workers == 0 || workers > MAX_WORKERS)
        return refused(NULL, EINVAL);
    plane *plane = system_allocate(size_of(workers));
    if (plane == NULL)
        return refused(NULL, ENOMEM);
    memset(plane, 0, size_of(workers));
    plane->room = workers;
    if (!take_alerts(plane, alerts))
        return refused(plane, EINVAL);
    plane->news_wake = system_wake_new();
    if (plane->news_wake < 0)
        return refused(plane, errno);
    pthread_mutex_init(&plane->lock, NULL);
    pool_init(&plane->pool, sizeof(tunnel));
    while (plane->count < workers) {
        if (!worker_start(&plane->workers[plane->count], plane->count, plane, plane->alerts)) {
            int error = errno;
            plane_free(plane);
            errno = error;
            return NULL;
        }
        plane->count++;
    }
    return plane;
}

void plane_free(plane *plane)
{
    if (plane == NULL)
        return;
    end_workers(plane);
    pool_free(&plane->pool);
    pthread_mutex_destroy(&plane->lock);
    system_close(plane->news_wake);
    system_free(plane, size_of(plane->room));
}

/* --- tunnels -------------------------------------------------------------------------------- */

static worker *least_busy(plane *plane)
{
    worker *found = &plane->workers[0];
    for (size_t i = 1; i < plane->count; i++)
        if (atomic_load_explicit(&plane->workers[i].count, memory_order_relaxed) <
            atomic_load_explicit(&found->count, memory_order_relaxed))
            found = &plane->workers[i];
    return found;
}

static tunnel *take_place(plane *plane)
{
    pthread_mutex_lock(&plane->lock);
    tunnel *tunnel = pool_take(&plane->pool);
    pthread_mutex_unlock(&plane->lock);
    return tunnel;
}

void plane_put_back(plane *plane, tunnel *tunnel)
{
    tunnel_clear(tunnel);
    pthread_mutex_lock(&plane->lock);
    pool_put_back(&plane->pool, tunnel);
    pthread_mutex_unlock(&plane->lock);
}

tunnel *plane_add(plane *plane, const tunnel_spec *spec)
{
    tunnel *tunnel = take_place(plane);
    if (tunnel == NULL)
        return NULL;
    int begun = tunnel_init(tunnel, spec);
    tunnel->worker = least_busy(plane);
    if (begun && worker_add(tunnel->worker, tunnel, spec))
        return tunnel;
    plane_put_back(plane, tunnel);
    return NULL;
}

int plane_stop(plane *plane, tunnel *tunnel, plane_bytes alert)
{
    (void)plane;
    return alert.size <= PLANE_MAX_ALERT &&
           worker_command(tunnel->worker, COMMAND_STOP, tunnel, alert);
}

int plane_farewell(plane *plane, tunnel *tunnel, plane_bytes last)
{
    (void)plane;
    return worker_command(tunnel->worker, COMMAND_FAREWELL, tunnel, last);
}

void tunnel_release(plane *plane, tunnel *tunnel)
{
    (void)plane;
    worker_release(tunnel->worker, tunnel);
}

void tunnel_end(const tunnel *tunnel, tunnel_ending *ending)
{
    *ending = tunnel->ending;
}

int tunnel_page_state(const tunnel *tunnel)
{
    const page_part *page = tunnel->page;
    if (page == NULL)
        return 0;
    return (page->frames.started ? 1 : 0) | (page_frames_may_close(&page->frames) ? 2 : 0);
}

void tunnel_counts(const tunnel *tunnel, uint64_t *up, uint64_t *down)
{
    *up = atomic_load_explicit(&tunnel->up.count, memory_order_relaxed);
    *down = atomic_load_explicit(&tunnel->down.count, memory_order_relaxed);
}

/* --- news ----------------------------------------------------------------------------------- */

int plane_news_fd(const plane *plane)
{
    return plane->news_wake;
}

void plane_tell(plane *plane, tunnel *tunnel, int closed)
{
    pthread_mutex_lock(&plane->lock);
    int first = plane->first_news == NULL;
    tunnel->ended_is_news = 1;
    tunnel->closed_is_news |= (uint8_t)closed;
    if (!tunnel->in_news) {
        tunnel->in_news = 1;
        tunnel->next_news = NULL;
        if (first)
            plane->first_news = tunnel;
        else
            plane->last_news->next_news = tunnel;
        plane->last_news = tunnel;
    }
    pthread_mutex_unlock(&plane->lock);
    if (first)
        system_wake(plane->news_wake);
}

size_t plane_take_news(plane *plane, plane_news *news, size_t room)
{
    size_t count = 0;
    pthread_mutex_lock(&plane->lock);
    if (room > 0)
        system_wake_taken(plane->news_wake);
    while (count < room && plane->first_news != NULL) {
        tunnel *tunnel = plane->first_news;
        plane->first_news = tunnel->next_news;
        news[count++] = (plane_news){tunnel->id, tunnel->ended_is_news, tunnel->closed_is_news};
        tunnel->in_news = tunnel->ended_is_news = tunnel->closed_is_news = 0;
    }
    pthread_mutex_unlock(&plane->lock);
    return count;
}

/* --- figures -------------------------------------------------------------------------------- */

size_t plane_workers(const plane *plane)
{
    return plane->count;
}

void plane_figures(const plane *plane, size_t index, worker_figures *figures)
{
    memset(figures, 0, sizeof *figures);
    if (index >= plane->count)
        return;
    const worker *worker = &plane->workers[index];
    figures->tunnels = atomic_load_explicit(&worker->count, memory_order_relaxed);
    figures->wakeups = atomic_load_explicit(&worker->wakeups, memory_order_relaxed);
    figures->turns = atomic_load_explicit(&worker->turns, memory_order_relaxed);
    figures->bytes_up = atomic_load_explicit(&worker->bytes_up, memory_order_relaxed);
    figures->bytes_down = atomic_load_explicit(&worker->bytes_down, memory_order_relaxed);
    figures->busy_ns = atomic_load_explicit(&worker->busy_ns, memory_order_relaxed);
}
