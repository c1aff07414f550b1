/*
 * Numbers of 256 bits: four 64-bit limbs, the lowest first.
 *
 * Nothing here branches on a value or takes one as an address. A condition is a mask: all ones
 * for yes, zero for no.
 */
#ifndef TUNNEL_GATEWAY_NUMBER_H
#define TUNNEL_GATEWAY_NUMBER_H

#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define LIMBS 4
#define NUMBER_BITS 256

/* Limbs stay out of vector registers, where carries cannot follow. */
#if !defined(__clang__)
#pragma GCC optimize("no-tree-vectorize", "no-tree-slp-vectorize")
#endif

/* Calls of what is long: a processor's instruction cache is worth more than the call costs. */
#define NOT_INLINE __attribute__((noinline))

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

/* A carry or borrow: 0 or 1. */
typedef unsigned char flag;

#if defined(__x86_64__)

/* a + b + *carry; *carry becomes the next one. The compiler keeps it in the processor's flag. */
static inline uint64_t add_limbs(uint64_t a, uint64_t b, flag *carry)
{
    unsigned long long sum;
    *carry = _addcarry_u64(*carry, a, b, &sum);
    return sum;
}

/* a - b - *borrow; *borrow becomes the next one. */
static inline uint64_t subtract_limbs(uint64_t a, uint64_t b, flag *borrow)
{
    unsigned long long difference;
    *borrow = _subborrow_u64(*borrow, a, b, &difference);
    return difference;
}

#else

static inline uint64_t add_limbs(uint64_t a, uint64_t b, flag *carry)
{
    wide sum = (wide)a + b + *carry;
    *carry = (flag)(sum >> 64);
    return (uint64_t)sum;
}

static inline uint64_t subtract_limbs(uint64_t a, uint64_t b, flag *borrow)
{
    wide difference = (wide)a - b - *borrow;
    *borrow = (flag)(difference >> 64 & 1);
    return (uint64_t)difference;
}

#endif

/* a * b + c + *carry, which never exceeds two limbs; *carry becomes the upper one. */
static inline uint64_t multiply_limbs(uint64_t a, uint64_t b, uint64_t c, uint64_t *carry)
{
    wide product = (wide)a * b + c + *carry;
    *carry = (uint64_t)(product >> 64);
    return (uint64_t)product;
}

/* sum = a + b modulo 2^256; returns the carry. */
static inline flag number_add(number *sum, const number *a, const number *b)
{
    flag carry = 0;
    for (int i = 0; i < LIMBS; i++)
        sum->limb[i] = add_limbs(a->limb[i], b->limb[i], &carry);
    return carry;
}

/* difference = a - b modulo 2^256; returns the borrow. */
static inline flag number_subtract(number *difference, const number *a, const number *b)
{
    flag borrow = 0;
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
static inline void number_reduce_once(number *reduced, flag carry, const number *a,
                                      const number *m)
{
    number difference;
    flag borrow = number_subtract(&difference, a, m);
    subtract_limbs(carry, 0, &borrow);
    number_choose(reduced, mask_of_bit(borrow), a, &difference);
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
    uint64_t carry = 0;
    flag doubling = 0, adding = 0;
    square[0] = 0;
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
    square[7] = 0;
    for (int i = 1; i < 2 * LIMBS; i++)
        square[i] = add_limbs(square[i], square[i], &doubling);
    for (int i = 0; i < LIMBS; i++) {
        wide product = (wide)limb[i] * limb[i];
        square[2 * i] = add_limbs(square[2 * i], (uint64_t)product, &adding);
        square[2 * i + 1] = add_limbs(square[2 * i + 1], (uint64_t)(product >> 64), &adding);
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
