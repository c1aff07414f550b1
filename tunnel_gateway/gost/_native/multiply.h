/*
 * Multiples of points, on the curve of the file that includes this: point.h came before, and
 * the constants 'order', 'generator' and 'coefficient', the b of the equation.
 *
 * A secret scalar k is written in 52 odd digits d between -31 and 31, as the sum of d * 32^i.
 * That takes an odd k: an even one is replaced by n - k and the product negated. No digit is
 * zero, so every scalar takes the same steps. Before the last addition, what is added up is never
 * infinity and never equal to the addend: as integers, one of the two is a multiple of a power of
 * 32 that the other is not, and both together are below n. The last addition may pass n, and
 * takes any two points.
 */
#include "group.h"

#include "gost28147.h"

#include <pthread.h>
#include <string.h>

#define WINDOW 5
#define MULTIPLES 16 /* 1, 3 … 31 */
#define DIGITS 51    /* and one more, above them, that is always 1: 51 * 5 = 255 */

typedef struct {
    uint64_t negative; /* a mask */
    uint64_t index;    /* (|d| - 1) / 2 */
} digit;

/* The digit at place i of an odd scalar: of the six bits there, the upper five are the digit's
 * and the lowest counts as set, for the digits below take one away from it or leave it. */
static inline digit digit_at(const number *scalar, int i)
{
    int bit = WINDOW * i, limb = bit / 64, shift = bit % 64;
    uint64_t bits = scalar->limb[limb] >> shift;
    if (shift > 64 - WINDOW - 1 && limb + 1 < LIMBS)
        bits |= scalar->limb[limb + 1] << (64 - shift);
    uint64_t negative = mask_of_bit((bits >> WINDOW & 1) ^ 1);
    return (digit){negative, ((bits ^ negative) & 31) >> 1};
}

/* odd = k or n - k, whichever is odd; returns the mask of the second. */
static inline uint64_t make_odd(number *odd, const number *scalar, const number *order)
{
    uint64_t even = mask_of_bit((scalar->limb[0] & 1) ^ 1);
    number_subtract(odd, order, scalar);
    number_choose(odd, even, odd, scalar);
    return even;
}

/* Vectors as wide as the look-ups are; the compiler splits them where the processor's are not. */
typedef uint64_t vector __attribute__((vector_size(16), aligned(8), may_alias));

/* chosen = table[index], reading every entry; all the sizes are multiples of a vector's. */
static inline void look_up(void *chosen, const void *table, size_t size, uint64_t index)
{
    const vector *entry = table;
    vector found[sizeof(point) / sizeof(vector)] = {{0}};
    size_t vectors = size / sizeof(vector);
    for (uint64_t i = 0; i < MULTIPLES; i++, entry += vectors) {
        uint64_t wanted = mask_if_zero(i ^ index);
        vector mask = {wanted, wanted};
        for (size_t j = 0; j < vectors; j++)
            found[j] |= entry[j] & mask;
    }
    memcpy(chosen, found, size);
}

static void leave_group(coordinates *out, const point *a)
{
    affine_point finite;
    normalise(&finite, a, 1);
    field_leave(&out->x, &finite.x);
    field_leave(&out->y, &finite.y);
}

static void enter_group(point *a, const coordinates *in)
{
    field_enter(&a->x, &in->x);
    field_enter(&a->y, &in->y);
    a->z = FIELD_ONE;
}

static void multiply(coordinates *product, const number *scalar, const coordinates *a)
{
    point table[MULTIPLES], sum, addend;
    differences d;
    number odd;
    uint64_t even = make_odd(&odd, scalar, &order.m);
    enter_group(&sum, a);
    odd_multiples(table, MULTIPLES, &sum);
    for (int i = DIGITS - 1; i >= 0; i--) {
        digit digit = digit_at(&odd, i);
        for (int j = 0; j < WINDOW; j++)
            point_double(&sum, &sum);
        look_up(&addend, table, sizeof addend, digit.index);
        field_negate_if(&addend.y, digit.negative);
        if (i > 0)
            point_add(&sum, &sum, &addend, &d);
        else
            point_add_any(&sum, &sum, &addend);
    }
    field_negate_if(&sum.y, even);
    leave_group(product, &sum);
    gost_wipe(&odd, sizeof odd);
    gost_wipe(&sum, sizeof sum);
    gost_wipe(&addend, sizeof addend);
    gost_wipe(&d, sizeof d);
}

/* What is computed once of the base point G, by the first call that needs it. */
#define PUBLIC_WINDOW 8
#define PUBLIC_MULTIPLES 64 /* 1, 3 … 127 */

/* Of a point P that is multiplied often: then a multiple takes additions only. */
typedef struct {
    affine_point odd[DIGITS][MULTIPLES]; /* [i][j] = (2j + 1) 32^i P */
    affine_point last;                   /* 32^51 P */
} many_multiples;

static struct {
    many_multiples many;
    affine_point public[PUBLIC_MULTIPLES]; /* (2j + 1) G */
} base;

static void know(void *table, const coordinates *a)
{
    many_multiples *many = table;
    point multiples[MULTIPLES], power;
    enter_group(&power, a);
    for (int i = 0; i < DIGITS; i++) {
        odd_multiples(multiples, MULTIPLES, &power);
        normalise(many->odd[i], multiples, MULTIPLES);
        for (int j = 0; j < WINDOW; j++)
            point_double(&power, &power);
    }
    normalise(&many->last, &power, 1);
}

static void base_compute(void)
{
    point multiples[PUBLIC_MULTIPLES], power;
    enter_group(&power, &generator);
    odd_multiples(multiples, PUBLIC_MULTIPLES, &power);
    normalise(base.public, multiples, PUBLIC_MULTIPLES);
    know(&base.many, &generator);
}

static void base_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, base_compute);
}

static void multiply_base(coordinates *product, const number *scalar)
{
    point sum, last;
    affine_point addend;
    differences d;
    number odd;
    uint64_t even = make_odd(&odd, scalar, &order.m);
    base_prepare();
    for (int i = 0; i < DIGITS; i++) {
        digit digit = digit_at(&odd, i);
        look_up(&addend, base.many.odd[i], sizeof addend, digit.index);
        field_negate_if(&addend.y, digit.negative);
        if (i > 0)
            point_add_affine(&sum, &sum, &addend, &d);
        else
            point_from_affine(&sum, &addend);
    }
    point_from_affine(&last, &base.many.last);
    point_add_any(&sum, &sum, &last);
    field_negate_if(&sum.y, even);
    leave_group(product, &sum);
    gost_wipe(&odd, sizeof odd);
    gost_wipe(&sum, sizeof sum);
    gost_wipe(&addend, sizeof addend);
    gost_wipe(&d, sizeof d);
}

/* The width-w non-adjacent form of a public number: odd digits below 2^(w-1), far apart. */
static void non_adjacent_form(int8_t digits[NUMBER_BITS + 1], const number *scalar, int width)
{
    number rest = *scalar;
    uint64_t top = 0;
    for (int i = 0; i <= NUMBER_BITS; i++) {
        digits[i] = 0;
        if (rest.limb[0] & 1) {
            int value = (int)(rest.limb[0] & ((1u << width) - 1));
            number change = {{(uint64_t)value, 0, 0, 0}};
            if (value >> (width - 1)) {
                change.limb[0] = (uint64_t)((1 << width) - value);
                top = number_add(&rest, &rest, &change);
                value -= 1 << width;
            } else {
                number_subtract(&rest, &rest, &change);
            }
            digits[i] = (int8_t)value;
        }
        for (int j = 0; j < LIMBS - 1; j++)
            rest.limb[j] = rest.limb[j] >> 1 | rest.limb[j + 1] << 63;
        rest.limb[LIMBS - 1] = rest.limb[LIMBS - 1] >> 1 | top << 63;
        top = 0;
    }
}

static inline void add_digit(point *sum, const point *table, int value)
{
    point addend = table[(value < 0 ? -value : value) / 2];
    field_negate_if(&addend.y, mask_of_bit(value < 0));
    public_add(sum, sum, &addend);
}

static inline void add_base_digit(point *sum, int value)
{
    affine_point addend = base.public[(value < 0 ? -value : value) / 2];
    field_negate_if(&addend.y, mask_of_bit(value < 0));
    public_add_affine(sum, sum, &addend);
}

#define OTHER_WINDOW 5
#define OTHER_MULTIPLES 8

static void add_multiples(point *sum, const number *first, const number *second,
                          const coordinates *a)
{
    int8_t base_digits[NUMBER_BITS + 1], digits[NUMBER_BITS + 1];
    point table[OTHER_MULTIPLES];
    base_prepare();
    enter_group(sum, a);
    odd_multiples(table, OTHER_MULTIPLES, sum);
    memset(sum, 0, sizeof *sum);
    non_adjacent_form(base_digits, first, PUBLIC_WINDOW);
    non_adjacent_form(digits, second, OTHER_WINDOW);
    for (int i = NUMBER_BITS; i >= 0; i--) {
        point_double(sum, sum);
        if (digits[i] != 0)
            add_digit(sum, table, digits[i]);
        if (base_digits[i] != 0)
            add_base_digit(sum, base_digits[i]);
    }
}

/* sum += scalar * P for a public scalar from 1 to n - 1. */
static void add_known(point *sum, const number *scalar, const many_multiples *many)
{
    number odd;
    uint64_t even = make_odd(&odd, scalar, &order.m);
    affine_point addend;
    for (int i = 0; i < DIGITS; i++) {
        digit digit = digit_at(&odd, i);
        addend = many->odd[i][digit.index];
        field_negate_if(&addend.y, digit.negative ^ even);
        public_add_affine(sum, sum, &addend);
    }
    addend = many->last;
    field_negate_if(&addend.y, even);
    public_add_affine(sum, sum, &addend);
}

/* X = x Z², which asks for no division. */
static int x_is(const point *a, const number *x)
{
    element expected, zz;
    field_enter(&expected, x);
    field_square(&zz, &a->z);
    field_multiply(&expected, &expected, &zz);
    field_subtract(&expected, &expected, &a->x);
    return field_is_zero(&expected) != 0;
}

static int has_x(const point *a, const number *r)
{
    number other;
    if (field_is_zero(&a->z))
        return 0;
    if (x_is(a, r))
        return 1;
    /* Where the order is below p, x may be r + n. */
    return number_add(&other, r, &order.m) == 0 && number_is_below(&other, &prime.m) &&
           x_is(a, &other);
}

static int sum_has_x(const number *first, const number *second, const coordinates *a,
                     const number *r)
{
    point sum;
    add_multiples(&sum, first, second, a);
    return has_x(&sum, r);
}

static int known_sum_has_x(const number *first, const number *second, const void *table,
                           const number *r)
{
    point sum;
    base_prepare();
    memset(&sum, 0, sizeof sum);
    add_known(&sum, first, &base.many);
    add_known(&sum, second, table);
    return has_x(&sum, r);
}

static int contains(const coordinates *a)
{
    static const number three = {{3, 0, 0, 0}};
    element b, left, right, t;
    point point;
    if (!number_is_below(&a->x, &prime.m) || !number_is_below(&a->y, &prime.m))
        return 0;
    enter_group(&point, a);
    field_enter(&b, &coefficient);
    field_enter(&t, &three);
    field_square(&left, &point.y);
    field_square(&right, &point.x);
    field_subtract(&right, &right, &t);
    field_multiply(&right, &right, &point.x);
    field_add(&right, &right, &b);
    field_subtract(&left, &left, &right);
    return field_is_zero(&left) != 0;
}
