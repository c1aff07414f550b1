/*
 * Numbers of 256 bits: four 64-bit limbs, the lowest first.
 *
 * Nothing here branches on a value or takes one as an address. A condition is a mask: all ones
 * for yes, zero for no.
 */
#ifndef TUNNEL_GATEWAY_NUMBER_H
#define TUNNEL_GATEWAY_NUMBER_H

#include <stdint.h>

#define LIMBS 4
#define NUMBER_BITS 256

__extension__ typedef unsigned __int128 wide;

typedef struct {
    uint64_t limb[LIMBS];
} number;

/* Hides where a mask comes from, or the compiler may turn it back into a branch. */
static inline uint64_t opaque(uint64_t value)
{
    __asm__("" : "+r"(value));
    return value;
}

static inline uint64_t mask_if_zero(uint64_t value)
{
    return opaque(((value | (0 - value)) >> 63) - 1);
}

static inline uint64_t mask_of_bit(uint64_t bit)
{
    return opaque(0 - bit);
}

/* a + b + *carry; *carry becomes the next one. */
static inline uint64_t add_limbs(uint64_t a, uint64_t b, uint64_t *carry)
{
    wide sum = (wide)a + b + *carry;
    *carry = (uint64_t)(sum >> 64);
    return (uint64_t)sum;
}

/* a - b - *borrow; *borrow becomes the next one. */
static inline uint64_t subtract_limbs(uint64_t a, uint64_t b, uint64_t *borrow)
{
    wide difference = (wide)a - b - *borrow;
    *borrow = (uint64_t)(difference >> 64) & 1;
    return (uint64_t)difference;
}

/* a * b + c + *carry, which never exceeds two limbs; *carry becomes the upper one. */
static inline uint64_t multiply_limbs(uint64_t a, uint64_t b, uint64_t c, uint64_t *carry)
{
    wide product = (wide)a * b + c + *carry;
    *carry = (uint64_t)(product >> 64);
    return (uint64_t)product;
}

/* sum = a + b modulo 2^256; returns the carry. */
static inline uint64_t number_add(number *sum, const number *a, const number *b)
{
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++)
        sum->limb[i] = add_limbs(a->limb[i], b->limb[i], &carry);
    return carry;
}

/* difference = a - b modulo 2^256; returns the borrow. */
static inline uint64_t number_subtract(number *difference, const number *a, const number *b)
{
    uint64_t borrow = 0;
    for (int i = 0; i < LIMBS; i++)
        difference->limb[i] = subtract_limbs(a->limb[i], b->limb[i], &borrow);
    return borrow;
}

/* chosen = mask ? a : b. */
static inline void number_choose(number *chosen, uint64_t mask, const number *a, const number *b)
{
    for (int i = 0; i < LIMBS; i++)
        chosen->limb[i] = b->limb[i] ^ (mask & (a->limb[i] ^ b->limb[i]));
}

static inline uint64_t number_is_zero(const number *a)
{
    return mask_if_zero(a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]);
}

static inline uint64_t number_is_below(const number *a, const number *b)
{
    number difference;
    return mask_of_bit(number_subtract(&difference, a, b));
}

/* From 1 to limit - 1. */
static inline uint64_t number_is_within(const number *a, const number *limit)
{
    return number_is_below(a, limit) & ~number_is_zero(a);
}

/* reduced = a modulo m, for carry * 2^256 + a < 2m. */
static inline void number_reduce_once(number *reduced, uint64_t carry, const number *a,
                                      const number *m)
{
    number difference;
    uint64_t borrow = number_subtract(&difference, a, m);
    number_choose(reduced, mask_of_bit(borrow & (carry ^ 1)), a, &difference);
}

/* product: eight limbs. */
static inline void number_multiply(uint64_t product[2 * LIMBS], const number *a, const number *b)
{
    uint64_t carry = 0;
    for (int j = 0; j < LIMBS; j++)
        product[j] = multiply_limbs(a->limb[0], b->limb[j], 0, &carry);
    product[LIMBS] = carry;
    for (int i = 1; i < LIMBS; i++) {
        carry = 0;
        for (int j = 0; j < LIMBS; j++)
            product[i + j] = multiply_limbs(a->limb[i], b->limb[j], product[i + j], &carry);
        product[i + LIMBS] = carry;
    }
}

/* square: eight limbs. Each product of two different limbs is made once and doubled. */
static inline void number_square(uint64_t square[2 * LIMBS], const number *a)
{
    const uint64_t *limb = a->limb;
    uint64_t carry = 0, top;
    square[1] = multiply_limbs(limb[0], limb[1], 0, &carry);
    square[2] = multiply_limbs(limb[0], limb[2], 0, &carry);
    square[3] = multiply_limbs(limb[0], limb[3], 0, &carry);
    square[4] = carry;
    carry = 0;
    square[3] = multiply_limbs(limb[1], limb[2], square[3], &carry);
    square[4] = multiply_limbs(limb[1], limb[3], square[4], &carry);
    square[5] = carry;
    carry = 0;
    square[5] = multiply_limbs(limb[2], limb[3], square[5], &carry);
    square[6] = carry;
    top = square[6] >> 63;
    for (int i = 6; i > 1; i--)
        square[i] = square[i] << 1 | square[i - 1] >> 63;
    square[1] <<= 1;
    square[0] = 0;
    square[7] = top;
    carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        wide product = (wide)limb[i] * limb[i];
        square[2 * i] = add_limbs(square[2 * i], (uint64_t)product, &carry);
        square[2 * i + 1] = add_limbs(square[2 * i + 1], (uint64_t)(product >> 64), &carry);
    }
}

/* 32 bytes, big-endian. */
static inline void number_load(number *a, const uint8_t bytes[32])
{
    for (int i = 0; i < LIMBS; i++) {
        uint64_t limb = 0;
        for (int j = 0; j < 8; j++)
            limb = limb << 8 | bytes[8 * (LIMBS - 1 - i) + j];
        a->limb[i] = limb;
    }
}

static inline void number_store(uint8_t bytes[32], const number *a)
{
    for (int i = 0; i < LIMBS; i++)
        for (int j = 0; j < 8; j++)
            bytes[8 * (LIMBS - 1 - i) + j] = (uint8_t)(a->limb[i] >> (56 - 8 * j));
}

#endif
