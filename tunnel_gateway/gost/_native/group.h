/* One of the three curves, as the functions of curve.c see it. */
#ifndef TUNNEL_GATEWAY_GROUP_H
#define TUNNEL_GATEWAY_GROUP_H

#include "montgomery.h"

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

    /* sum = first * base point + second * a, all public; 0 if that is infinity. */
    int (*multiply_two)(coordinates *sum, const number *first, const number *second,
                        const coordinates *a);
} group;

extern const group group_cryptopro_a, group_cryptopro_b, group_cryptopro_c;
#if defined(__x86_64__)
extern const group group_cryptopro_a_bmi2, group_cryptopro_b_bmi2, group_cryptopro_c_bmi2;
#endif

#endif
