/* Memory for tunnels: pages that stand in no core dump, cut into places of one size. */
#ifndef TUNNEL_GATEWAY_POOL_H
#define TUNNEL_GATEWAY_POOL_H

#include <stddef.h>

#define POOL_PAGES ((size_t)64 * 1024)

typedef struct pool_place pool_place;
typedef struct pool_block pool_block;

typedef struct {
    size_t size; /* of a place, a multiple of 64 */
    pool_place *unused;
    pool_block *blocks;
} pool;

void pool_init(pool *pool, size_t size);
/* NULL without memory. */
void *pool_take(pool *pool);
/* The caller has wiped it. */
void pool_put_back(pool *pool, void *place);
void pool_free(pool *pool);

#endif
