/*
 * Points of a curve y² = x³ - 3x + b of prime order, over the field of the file that includes
 * this: field_*.h came before.
 *
 * A point is (X, Y, Z), for x = X/Z² and y = Y/Z³; infinity has Z = 0. There is no point of
 * order two, so doubling has no exception. Adding has three, which point_add leaves to its
 * callers: infinity on either side, and equal points.
 */
#include "number.h"

typedef struct {
    element x, y, z;
} point;

typedef struct {
    element x, y;
} affine_point;

/* halved = a / 2: of a and a + p, one is even. */
static inline void field_halve(element *halved, const element *a)
{
    uint64_t odd = mask_of_bit(a->limb[0] & 1), sum[LIMBS + 1];
    flag carry = 0;
    for (int i = 0; i < LIMBS; i++)
        sum[i] = add_limbs(a->limb[i], prime.m.limb[i] & odd, &carry);
    sum[LIMBS] = carry;
    for (int i = 0; i < LIMBS; i++)
        halved->limb[i] = sum[i] >> 1 | sum[i + 1] << 63;
}

static inline void field_negate_if(element *a, uint64_t mask)
{
    static const element zero = {{0, 0, 0, 0}};
    element negative;
    field_subtract(&negative, &zero, a);
    number_choose(a, mask, &negative, a);
}

/* inverse = a^(p-2), which is 1/a, and 0 for 0: four bits of the exponent, a constant, at once. */
static void field_invert(element *inverse, const element *a)
{
    number two = {{2, 0, 0, 0}}, exponent;
    element power[16];
    number_subtract(&exponent, &prime.m, &two);
    power[1] = *a;
    for (int i = 2; i < 16; i++)
        field_multiply(&power[i], &power[i - 1], a);
    *inverse = power[exponent.limb[LIMBS - 1] >> 60];
    for (int bit = NUMBER_BITS - 8; bit >= 0; bit -= 4) {
        uint64_t digit = exponent.limb[bit / 64] >> bit % 64 & 15;
        for (int i = 0; i < 4; i++)
            field_square(inverse, inverse);
        if (digit != 0)
            field_multiply(inverse, inverse, &power[digit]);
    }
}

/* The equations of the doubled point, with its Z halved: Z = YZ, and X and Y follow suit. */
static void point_double(point *twice, const point *a)
{
    element xyy, yy, zz, slope, t;
    field_square(&zz, &a->z);
    field_square(&yy, &a->y);
    field_multiply(&xyy, &a->x, &yy);
    field_subtract(&slope, &a->x, &zz);
    field_add(&t, &a->x, &zz);
    field_multiply(&slope, &slope, &t);
    field_halve(&t, &slope);
    field_add(&slope, &slope, &t);
    field_multiply(&twice->z, &a->y, &a->z);
    field_square(&t, &slope);
    field_subtract(&t, &t, &xyy);
    field_subtract(&twice->x, &t, &xyy);
    field_subtract(&t, &xyy, &twice->x);
    field_multiply(&t, &slope, &t);
    field_square(&yy, &yy);
    field_subtract(&twice->y, &t, &yy);
}

/* How two points lie to each other: both differences are zero for equal points, and only that
 * of x for opposite ones. */
typedef struct {
    element x, y;
} differences;

/* The sum from what both additions below know: x1 = X1 Z2², y1 = Y1 Z2³ and z = Z1 Z2. */
static inline void add_by_differences(point *sum, const element *x1, const element *y1,
                                      const element *z, const differences *d)
{
    element square, cube, t;
    field_multiply(&sum->z, z, &d->x);
    field_square(&square, &d->x);
    field_multiply(&cube, &square, &d->x);
    field_multiply(&square, &square, x1);
    field_square(&t, &d->y);
    field_subtract(&t, &t, &cube);
    field_subtract(&t, &t, &square);
    field_multiply(&cube, &cube, y1);
    field_subtract(&sum->x, &t, &square);
    field_subtract(&t, &square, &sum->x);
    field_multiply(&t, &t, &d->y);
    field_subtract(&sum->y, &t, &cube);
}

/* sum = a + b, for finite points that differ. Opposite ones give infinity. */
static void point_add(point *sum, const point *a, const point *b, differences *d)
{
    element x1, y1, z, zz1, zz2;
    field_square(&zz1, &a->z);
    field_square(&zz2, &b->z);
    field_multiply(&x1, &a->x, &zz2);
    field_multiply(&d->x, &b->x, &zz1);
    field_multiply(&zz2, &zz2, &b->z);
    field_multiply(&zz1, &zz1, &a->z);
    field_multiply(&y1, &a->y, &zz2);
    field_multiply(&d->y, &b->y, &zz1);
    field_multiply(&z, &a->z, &b->z);
    field_subtract(&d->x, &d->x, &x1);
    field_subtract(&d->y, &d->y, &y1);
    add_by_differences(sum, &x1, &y1, &z, d);
}

/* The same for b with Z = 1. */
static void point_add_affine(point *sum, const point *a, const affine_point *b, differences *d)
{
    element zz, x = a->x, y = a->y;
    field_square(&zz, &a->z);
    field_multiply(&d->x, &b->x, &zz);
    field_multiply(&zz, &zz, &a->z);
    field_multiply(&d->y, &b->y, &zz);
    field_subtract(&d->x, &d->x, &x);
    field_subtract(&d->y, &d->y, &y);
    add_by_differences(sum, &x, &y, &a->z, d);
}

static inline void point_from_affine(point *a, const affine_point *b)
{
    a->x = b->x;
    a->y = b->y;
    a->z = FIELD_ONE;
}

static inline void point_choose(point *chosen, uint64_t mask, const point *a, const point *b)
{
    number_choose(&chosen->x, mask, &a->x, &b->x);
    number_choose(&chosen->y, mask, &a->y, &b->y);
    number_choose(&chosen->z, mask, &a->z, &b->z);
}

/* sum = a + b for any two points, in constant time. */
static void point_add_any(point *sum, const point *a, const point *b)
{
    point other, twice;
    differences d;
    uint64_t a_infinite = field_is_zero(&a->z), b_infinite = field_is_zero(&b->z);
    point_add(&other, a, b, &d);
    point_double(&twice, a);
    point_choose(&other, field_is_zero(&d.x) & field_is_zero(&d.y), &twice, &other);
    point_choose(&other, b_infinite, a, &other);
    point_choose(sum, a_infinite, b, &other);
}

/* sum = a + b for any two points that are public. */
static inline void public_add(point *sum, const point *a, const point *b)
{
    point other;
    differences d;
    if (field_is_zero(&b->z)) {
        *sum = *a;
        return;
    }
    if (field_is_zero(&a->z)) {
        *sum = *b;
        return;
    }
    point_add(&other, a, b, &d);
    if (field_is_zero(&d.x) && field_is_zero(&d.y))
        point_double(&other, a);
    *sum = other;
}

static inline void public_add_affine(point *sum, const point *a, const affine_point *b)
{
    point other;
    differences d;
    if (field_is_zero(&a->z)) {
        point_from_affine(sum, b);
        return;
    }
    point_add_affine(&other, a, b, &d);
    if (field_is_zero(&d.x) && field_is_zero(&d.y))
        point_double(&other, a);
    *sum = other;
}

/* table[i] = (2i + 1) a, for a finite point: none of these sums is of equal points. */
static void odd_multiples(point *table, int count, const point *a)
{
    point twice;
    differences d;
    point_double(&twice, a);
    table[0] = *a;
    for (int i = 1; i < count; i++)
        point_add(&table[i], &table[i - 1], &twice, &d);
}

static inline void divide(affine_point *a, const point *b, const element *inverse)
{
    element square;
    field_square(&square, inverse);
    field_multiply(&a->x, &b->x, &square);
    field_multiply(&square, &square, inverse);
    field_multiply(&a->y, &b->y, &square);
}

#define MOST_NORMALISED 64

/* At most 64 finite points at the cost of one inversion: products of the first Z, then back. */
static void normalise(affine_point *out, const point *in, int count)
{
    element product[MOST_NORMALISED], inverse, own;
    product[0] = in[0].z;
    for (int i = 1; i < count; i++)
        field_multiply(&product[i], &product[i - 1], &in[i].z);
    field_invert(&inverse, &product[count - 1]);
    for (int i = count - 1; i > 0; i--) {
        field_multiply(&own, &inverse, &product[i - 1]);
        field_multiply(&inverse, &inverse, &in[i].z);
        divide(&out[i], &in[i], &own);
    }
    divide(&out[0], &in[0], &inverse);
}
