#include "pool.h"

#include "system.h"

#define ALIGNMENT 64

struct pool_place {
    pool_place *next;
};

/* Stands at the start of its pages. */
struct pool_block {
    pool_block *next;
};

void pool_init(pool *pool, size_t size)
{
    pool->size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    pool->unused = NULL;
    pool->blocks = NULL;
}

static int add_block(pool *pool)
{
    pool_block *block = system_map(POOL_PAGES);
    if (block == NULL)
        return 0;
    block->next = pool->blocks;
    pool->blocks = block;
    char *pages = (char *)block;
    for (size_t at = ALIGNMENT; at + pool->size <= POOL_PAGES; at += pool->size)
        pool_put_back(pool, pages + at);
    return 1;
}

void *pool_take(pool *pool)
{
    if (pool->unused == NULL && !add_block(pool))
        return NULL;
    pool_place *place = pool->unused;
    pool->unused = place->next;
    return place;
}

void pool_put_back(pool *pool, void *place)
{
    pool_place *unused = place;
    unused->next = pool->unused;
    pool->unused = unused;
}

void pool_free(pool *pool)
{
    while (pool->blocks != NULL) {
        pool_block *block = pool->blocks;
        pool->blocks = block->next;
        system_unmap(block, POOL_PAGES);
    }
    pool->unused = NULL;
}
