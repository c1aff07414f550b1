/*
 * The integers modulo p = 2^256 - 617.
 *
 * 2^256 counts as 617, so whatever overflows comes back below, multiplied by 617. An element is
 * any number of 256 bits: 0 to 616 can also be held as p to 2^256 - 1.
 */
#include "number.h"

#define EXCESS 617

typedef number element;

static const element FIELD_ONE = {{1, 0, 0, 0}};

static const struct {
    number m;
} prime = {{{0 - (uint64_t)EXCESS, UINT64_MAX, UINT64_MAX, UINT64_MAX}}};

/* folded = a + overflow * 2^256, for an overflow of at most 617. If that overflows again, what is
 * left is below 617², and the lowest limb takes 617 more. */
static inline void fold(element *folded, const number *a, uint64_t overflow)
{
    flag carry = 0;
    folded->limb[0] = add_limbs(a->limb[0], overflow * EXCESS, &carry);
    for (int i = 1; i < LIMBS; i++)
        folded->limb[i] = add_limbs(a->limb[i], 0, &carry);
    folded->limb[0] += mask_of_bit(carry) & EXCESS;
}

static inline void fold_product(element *folded, const uint64_t t[2 * LIMBS])
{
    number lower;
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++)
        lower.limb[i] = multiply_limbs(t[LIMBS + i], EXCESS, t[i], &carry);
    fold(folded, &lower, carry);
}

static NOT_INLINE void field_multiply(element *product, const element *a, const element *b)
{
    uint64_t t[2 * LIMBS];
    number_multiply(t, a, b);
    fold_product(product, t);
}

static NOT_INLINE void field_square(element *square, const element *a)
{
    uint64_t t[2 * LIMBS];
    number_square(t, a);
    fold_product(square, t);
}

static inline void field_add(element *sum, const element *a, const element *b)
{
    number lower;
    flag carry = number_add(&lower, a, b);
    fold(sum, &lower, carry);
}

static inline void field_subtract(element *difference, const element *a, const element *b)
{
    number lower;
    flag borrow = number_subtract(&lower, a, b), again = 0;
    difference->limb[0] =
        subtract_limbs(lower.limb[0], mask_of_bit(borrow) & EXCESS, &again);
    for (int i = 1; i < LIMBS; i++)
        difference->limb[i] = subtract_limbs(lower.limb[i], 0, &again);
    /* After a second borrow the lowest limb is at least 2^64 - 617. */
    difference->limb[0] -= mask_of_bit(again) & EXCESS;
}

static inline void field_enter(element *a, const number *value)
{
    *a = *value;
}

/* value < p. */
static inline void field_leave(number *value, const element *a)
{
    number_reduce_once(value, 0, a, &prime.m);
}

static inline uint64_t field_is_zero(const element *a)
{
    number value;
    field_leave(&value, a);
    return number_is_zero(&value);
}
