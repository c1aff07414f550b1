/*
 * Multiples of points of the three curves, by the extension's sources and by libgcrypt.
 *
 * Scalars are the ones at which the digits, the reduction and the exceptions of the addition
 * could go wrong, then as many random ones as the first argument says.
 */
#include "check.h"
#include "curve.h"
#include "group.h"

#include <gcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const group *curve;
static gcry_ctx_t context;
static gcry_mpi_t order;
static gcry_mpi_point_t base;
static long compared;

static void to_number(number *a, gcry_mpi_t value)
{
    uint8_t bytes[32] = {0}, digits[32];
    size_t size;
    CHECK(gcry_mpi_print(GCRYMPI_FMT_USG, digits, sizeof digits, &size, value) == 0);
    memcpy(bytes + 32 - size, digits, size);
    number_load(a, bytes);
}

static int to_coordinates(coordinates *a, gcry_mpi_point_t point)
{
    gcry_mpi_t x = gcry_mpi_new(256), y = gcry_mpi_new(256);
    int finite = gcry_mpi_ec_get_affine(x, y, point, context) == 0;
    if (finite) {
        to_number(&a->x, x);
        to_number(&a->y, y);
    }
    gcry_mpi_release(x);
    gcry_mpi_release(y);
    return finite;
}

static int same(const coordinates *a, const coordinates *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* The table of a point's multiples; those of the last two points are kept. */
static const void *table_of(const coordinates *a)
{
    static struct {
        coordinates point;
        void *table;
    } last[2];
    static unsigned turn;
    for (unsigned i = 0; i < 2; i++)
        if (last[i].table != NULL && same(&last[i].point, a))
            return last[i].table;
    turn ^= 1;
    free(last[turn].table);
    last[turn].table = malloc(curve->known_size);
    CHECK(last[turn].table != NULL);
    last[turn].point = *a;
    curve->know(last[turn].table, a);
    return last[turn].table;
}

/* The same with the point and with its table. */
static int both_have_x(const number *first, const number *second, const coordinates *a,
                       const number *r)
{
    int found = curve->sum_has_x(first, second, a, r);
    CHECK(curve->known_sum_has_x(first, second, table_of(a), r) == found);
    return found;
}

/* Whether only the right r fits the sum, which is NULL for infinity. */
static void compare_sum(const number *first, const number *second, const coordinates *a,
                        const coordinates *sum)
{
    number r, one = {{1, 0, 0, 0}};
    if (sum == NULL) {
        CHECK(!both_have_x(first, second, a, &one));
        return;
    }
    number_reduce_once(&r, 0, &sum->x, &curve->order->m);
    CHECK(both_have_x(first, second, a, &r));
    r.limb[0] ^= 1;
    CHECK(!both_have_x(first, second, a, &r));
}

/* libgcrypt's multiple of a point; it takes most of the time here. */
static gcry_mpi_point_t multiple(gcry_mpi_t scalar, gcry_mpi_point_t point)
{
    gcry_mpi_point_t product = gcry_mpi_point_new(0);
    gcry_mpi_ec_mul(product, scalar, point, context);
    return product;
}

static int same_point(gcry_mpi_point_t got, gcry_mpi_t scalar, gcry_mpi_point_t point)
{
    gcry_mpi_point_t expected = multiple(scalar, point);
    coordinates a, b;
    CHECK(to_coordinates(&a, got) && to_coordinates(&b, expected));
    gcry_mpi_point_release(expected);
    return same(&a, &b);
}

/* first * G is `left` and second * a is `right`; and the x of their sum. */
static void compare(gcry_mpi_t first, gcry_mpi_point_t left, gcry_mpi_t second,
                    gcry_mpi_point_t a, gcry_mpi_point_t right)
{
    gcry_mpi_point_t both = gcry_mpi_point_new(0);
    coordinates point, expected_left, expected_right, sum, got;
    number one, two;
    gcry_mpi_ec_add(both, left, right, context);
    CHECK(to_coordinates(&point, a) && curve->contains(&point));
    CHECK(to_coordinates(&expected_left, left) && to_coordinates(&expected_right, right));
    to_number(&one, first);
    to_number(&two, second);
    curve->multiply_base(&got, &one);
    CHECK(same(&got, &expected_left));
    curve->multiply(&got, &two, &point);
    CHECK(same(&got, &expected_right));
    compare_sum(&one, &two, &point, to_coordinates(&sum, both) ? &sum : NULL);
    compared += 3;
    gcry_mpi_point_release(both);
}

static gcry_mpi_t random_scalar(void)
{
    gcry_mpi_t value = gcry_mpi_new(320);
    gcry_mpi_randomize(value, 320, GCRY_WEAK_RANDOM);
    gcry_mpi_mod(value, value, order);
    gcry_mpi_add_ui(value, value, gcry_mpi_cmp_ui(value, 0) == 0);
    return value;
}

/* The point with the same x and the other y. */
static gcry_mpi_point_t opposite(gcry_mpi_point_t point)
{
    gcry_mpi_t x = gcry_mpi_new(256), y = gcry_mpi_new(256);
    gcry_mpi_t p = gcry_mpi_ec_get_mpi("p", context, 1);
    CHECK(gcry_mpi_ec_get_affine(x, y, point, context) == 0);
    gcry_mpi_sub(y, p, y);
    gcry_mpi_release(p);
    return gcry_mpi_point_snatch_set(NULL, x, y, gcry_mpi_set_ui(NULL, 1));
}

/* The scalar and its negative, on both sides of the sum, with points that differ and that do not:
 * among the sums are doubles and infinity. `plus` is scalar * G, `other` is scalar * point. */
static void compare_both_signs(gcry_mpi_t scalar, gcry_mpi_point_t plus, gcry_mpi_point_t point,
                               gcry_mpi_point_t other)
{
    gcry_mpi_t negative = gcry_mpi_new(256);
    gcry_mpi_point_t minus = opposite(plus), minus_other = opposite(other);
    gcry_mpi_sub(negative, order, scalar);
    compare(scalar, plus, negative, point, minus_other);
    compare(negative, minus, negative, base, minus);
    compare(scalar, plus, negative, base, minus);
    gcry_mpi_point_release(minus);
    gcry_mpi_point_release(minus_other);
    gcry_mpi_release(negative);
}

/* From one scalar to the next, libgcrypt only adds a point or doubles one. */
static void compare_edges(void)
{
    gcry_mpi_t start = random_scalar(), scalar = gcry_mpi_set_ui(NULL, 1);
    gcry_mpi_point_t point = multiple(start, base), minus_base = opposite(base);
    gcry_mpi_point_t minus_point = opposite(point);
    gcry_mpi_point_t plus = gcry_mpi_point_copy(base), other = gcry_mpi_point_copy(point);
    for (unsigned small = 1; small <= 70; small++) {
        compare_both_signs(scalar, plus, point, other);
        gcry_mpi_add_ui(scalar, scalar, 1);
        gcry_mpi_ec_add(plus, plus, base, context);
        gcry_mpi_ec_add(other, other, point, context);
    }
    gcry_mpi_point_release(plus);
    gcry_mpi_point_release(other);
    gcry_mpi_set_ui(scalar, 1 << 7);
    plus = multiple(scalar, base);
    other = multiple(scalar, point);
    for (unsigned bit = 7; bit < 256; bit++) {
        gcry_mpi_point_t one_less = gcry_mpi_point_new(0), other_less = gcry_mpi_point_new(0);
        compare_both_signs(scalar, plus, point, other);
        gcry_mpi_sub_ui(scalar, scalar, 1);
        gcry_mpi_ec_add(one_less, plus, minus_base, context);
        gcry_mpi_ec_add(other_less, other, minus_point, context);
        compare_both_signs(scalar, one_less, point, other_less);
        gcry_mpi_point_release(one_less);
        gcry_mpi_point_release(other_less);
        gcry_mpi_add_ui(scalar, scalar, 1);
        gcry_mpi_lshift(scalar, scalar, 1);
        gcry_mpi_ec_dup(plus, plus, context);
        gcry_mpi_ec_dup(other, other, context);
    }
    /* The scalar is 2^256 now, and the point still is what libgcrypt makes of it. */
    CHECK(same_point(plus, scalar, base) && same_point(other, scalar, point));
    gcry_mpi_release(start);
    gcry_mpi_release(scalar);
    gcry_mpi_point_release(point);
    gcry_mpi_point_release(minus_base);
    gcry_mpi_point_release(minus_point);
    gcry_mpi_point_release(plus);
    gcry_mpi_point_release(other);
}

static void compare_random(int count)
{
    for (int i = 0; i < count; i++) {
        gcry_mpi_t start = random_scalar(), first = random_scalar(), second = random_scalar();
        gcry_mpi_point_t point = multiple(start, base), left = multiple(first, base);
        gcry_mpi_point_t right = multiple(second, point);
        compare(first, left, second, point, right);
        gcry_mpi_release(start);
        gcry_mpi_release(first);
        gcry_mpi_release(second);
        gcry_mpi_point_release(point);
        gcry_mpi_point_release(left);
        gcry_mpi_point_release(right);
    }
}

/* Points off the curve, the place of infinity among them. */
static void refuse_points(void)
{
    coordinates good, bad;
    CHECK(to_coordinates(&good, base));
    for (int bit = 0; bit < 512; bit++) {
        bad = good;
        number *half = bit < 256 ? &bad.x : &bad.y;
        half->limb[bit % 256 / 64] ^= (uint64_t)1 << bit % 64;
        CHECK(!curve->contains(&bad));
    }
    memset(&bad, 0, sizeof bad);
    CHECK(!curve->contains(&bad));
}

static void compare_curve(const group *group, const char *name, int count)
{
    curve = group;
    CHECK(gcry_mpi_ec_new(&context, NULL, name) == 0);
    order = gcry_mpi_ec_get_mpi("n", context, 1);
    base = gcry_mpi_ec_get_point("g", context, 1);
    refuse_points();
    compare_edges();
    compare_random(count);
    gcry_mpi_release(order);
    gcry_mpi_point_release(base);
    gcry_ctx_release(context);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 1;
    CHECK(gost_curve_initialize());
    compare_curve(&group_cryptopro_a, "GOST2001-CryptoPro-A", count);
    compare_curve(&group_cryptopro_b, "GOST2001-CryptoPro-B", count);
    compare_curve(&group_cryptopro_c, "GOST2001-CryptoPro-C", count);
    printf("%ld\n", compared);
    return 0;
}
