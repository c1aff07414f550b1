/* One of the three curves, as the functions of curve.c see it. */
#ifndef TUNNEL_GATEWAY_GROUP_H
#define TUNNEL_GATEWAY_GROUP_H

#include "montgomery.h"

#include <stddef.h>

/* A finite point; both coordinates below p. */
typedef struct {
    number x, y;
} coordinates;

typedef struct {
    const char *name;
    const modulus *order;

    /* Whether a point that is public is reduced and satisfies the equation. */
    int (*contains)(const coordinates *a);

    /* Constant-time in the scalar, from 1 to n - 1; the point is one of the curve. */
    void (*multiply)(coordinates *product, const number *scalar, const coordinates *a);
    void (*multiply_base)(coordinates *product, const number *scalar);

    /* Whether first * base point + second * a is finite and its x is r modulo n. All four are
     * public, r from 1 to n - 1, a a point of the curve. */
    int (*sum_has_x)(const number *first, const number *second, const coordinates *a,
                     const number *r);

    /* The same for a point whose multiples `know` has written into a table of known_size bytes:
     * it takes a third of the time, and the table as long as ten sums. */
    size_t known_size;
    void (*know)(void *table, const coordinates *a);
    int (*known_sum_has_x)(const number *first, const number *second, const void *table,
                           const number *r);
} group;

extern const group group_cryptopro_a, group_cryptopro_b, group_cryptopro_c;

#endif
