/*
 * The integers modulo a prime of no special form: an element is held in Montgomery's form.
 * The file that includes this has defined the modulus 'prime'.
 */
#include "montgomery.h"

typedef number element;

#define FIELD_ONE prime.one

static inline void field_add(element *sum, const element *a, const element *b)
{
    modular_add(sum, a, b, &prime.m);
}

static inline void field_subtract(element *difference, const element *a, const element *b)
{
    modular_subtract(difference, a, b, &prime.m);
}

static NOT_INLINE void field_multiply(element *product, const element *a, const element *b)
{
    montgomery_multiply(product, a, b, &prime);
}

static NOT_INLINE void field_square(element *square, const element *a)
{
    montgomery_square(square, a, &prime);
}

static inline uint64_t field_is_zero(const element *a)
{
    return number_is_zero(a);
}

static inline void field_enter(element *a, const number *value)
{
    montgomery_enter(a, value, &prime);
}

static inline void field_leave(number *value, const element *a)
{
    montgomery_leave(value, a, &prime);
}
