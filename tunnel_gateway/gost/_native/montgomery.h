/*
 * Montgomery's multiplication modulo an odd number m between 2^255 and 2^256, in constant time.
 *
 * A number a is held as a * 2^256 modulo m, always below m. Where m is a constant, the compiler
 * makes a multiplication of its own for it.
 */
#ifndef TUNNEL_GATEWAY_MONTGOMERY_H
#define TUNNEL_GATEWAY_MONTGOMERY_H

#include "number.h"

typedef struct {
    number m;
    number one;       /* 2^256 modulo m: one, as it is held */
    number square;    /* 2^512 modulo m: takes a number to the form in which it is held */
    uint64_t inverse; /* -1/m modulo 2^64 */
} modulus;

/* reduced = t / 2^256 modulo m, for t < m * 2^256. */
static inline void montgomery_reduce(number *reduced, uint64_t t[2 * LIMBS],
                                     const modulus *modulus)
{
    flag last = 0;
    for (int i = 0; i < LIMBS; i++) {
        uint64_t factor = t[i] * modulus->inverse, carry = 0;
        for (int j = 0; j < LIMBS; j++)
            t[i + j] = multiply_limbs(factor, modulus->m.limb[j], t[i + j], &carry);
        t[i + LIMBS] = add_limbs(t[i + LIMBS], carry, &last);
    }
    number upper = {{t[4], t[5], t[6], t[7]}};
    number_reduce_once(reduced, last, &upper, &modulus->m);
}

/* product = a * b / 2^256 modulo m. One of the factors may be any number of 256 bits. */
static inline void montgomery_multiply(number *product, const number *a, const number *b,
                                       const modulus *modulus)
{
    uint64_t t[2 * LIMBS];
    number_multiply(t, a, b);
    montgomery_reduce(product, t, modulus);
}

static inline void montgomery_square(number *square, const number *a, const modulus *modulus)
{
    uint64_t t[2 * LIMBS];
    number_square(t, a);
    montgomery_reduce(square, t, modulus);
}

/* held = a * 2^256 modulo m, for any a of 256 bits. */
static inline void montgomery_enter(number *held, const number *a, const modulus *modulus)
{
    montgomery_multiply(held, a, &modulus->square, modulus);
}

/* a = held / 2^256 modulo m, below m. */
static inline void montgomery_leave(number *a, const number *held, const modulus *modulus)
{
    uint64_t t[2 * LIMBS] = {held->limb[0], held->limb[1], held->limb[2], held->limb[3]};
    montgomery_reduce(a, t, modulus);
}

static inline void modular_add(number *sum, const number *a, const number *b, const number *m)
{
    flag carry = number_add(sum, a, b);
    number_reduce_once(sum, carry, sum, m);
}

static inline void modular_subtract(number *difference, const number *a, const number *b,
                                    const number *m)
{
    number correction = *m;
    uint64_t mask = mask_of_bit(number_subtract(difference, a, b));
    for (int i = 0; i < LIMBS; i++)
        correction.limb[i] &= mask;
    number_add(difference, difference, &correction);
}

#endif
