#include "curve.h"

#include "gost28147.h"
#include "group.h"

#include <gcrypt.h>
#include <stdlib.h>
#include <string.h>

int gost_curve_initialize(void)
{
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
        return 1;
    if (gcry_check_version("1.10.0") == NULL)
        return 0;
    gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    return 1;
}

static const group *find(const char *curve)
{
    static const group *const groups[] = {&group_cryptopro_a, &group_cryptopro_b,
                                          &group_cryptopro_c};
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (strcmp(groups[i]->name, curve) == 0)
            return groups[i];
    return NULL;
}

/* The answer in constant time: 1 or 0 for a mask, and zeros in place of bytes without one. */
static int answer(uint64_t mask, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] &= (uint8_t)mask;
    return (int)(mask & 1);
}

static int load_point(const group *group, coordinates *point, const uint8_t bytes[64])
{
    number_load(&point->x, bytes);
    number_load(&point->y, bytes + 32);
    return group->contains(point);
}

/* product = a * b modulo n, for b below n. */
static void multiply_scalars(number *product, const number *a, const number *b,
                             const modulus *order)
{
    number held;
    montgomery_enter(&held, a, order);
    montgomery_multiply(product, &held, b, order);
    gost_wipe(&held, sizeof held);
}

static inline int is_one(const number *a)
{
    return ((a->limb[0] ^ 1) | a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

/* a = (carry * 2^256 + a) / 2 */
static inline void halve(number *a, flag carry)
{
    for (int i = 0; i < LIMBS - 1; i++)
        a->limb[i] = a->limb[i] >> 1 | a->limb[i + 1] << 63;
    a->limb[LIMBS - 1] = a->limb[LIMBS - 1] >> 1 | (uint64_t)carry << 63;
}

/* Halve an even number until it is odd, and its coefficient as often, modulo n. */
static inline void make_odd(number *a, number *coefficient, const number *n)
{
    while (!(a->limb[0] & 1)) {
        flag carry = 0;
        halve(a, 0);
        if (coefficient->limb[0] & 1)
            carry = number_add(coefficient, coefficient, n);
        halve(coefficient, carry);
    }
}

/*
 * inverse = 1/a modulo n for a public number from 1 to n - 1, by Euclid's algorithm in its binary
 * form. All the time u = x a and v = y a modulo n, and one of the two gets smaller until it is 1.
 */
static void invert_public(number *inverse, const number *a, const modulus *order)
{
    const number *n = &order->m;
    number u = *a, v = *n, x = {{1, 0, 0, 0}}, y = {{0, 0, 0, 0}};
    make_odd(&u, &x, n);
    while (!is_one(&u) && !is_one(&v)) {
        if (number_is_below(&u, &v)) {
            number_subtract(&v, &v, &u);
            modular_subtract(&y, &y, &x, n);
            make_odd(&v, &y, n);
        } else {
            number_subtract(&u, &u, &v);
            modular_subtract(&x, &x, &y, n);
            make_odd(&u, &x, n);
        }
    }
    *inverse = is_one(&u) ? x : y;
}

/* product = scalar * point, or times the base point for NULL; takes the scalar over. */
static int multiply(const group *group, number *scalar, const coordinates *point,
                    uint8_t product[64])
{
    coordinates out;
    uint64_t within = number_is_within(scalar, &group->order->m);
    if (point == NULL)
        group->multiply_base(&out, scalar);
    else
        group->multiply(&out, scalar, point);
    number_store(product, &out.x);
    number_store(product + 32, &out.y);
    gost_wipe(scalar, sizeof *scalar);
    gost_wipe(&out, sizeof out);
    return answer(within, product, 64);
}

int gost_curve_multiply(const char *curve, const uint8_t scalar[32], const uint8_t point[64],
                        uint8_t product[64])
{
    const group *group = find(curve);
    coordinates in;
    number secret;
    if (group == NULL || !load_point(group, &in, point))
        return 0;
    number_load(&secret, scalar);
    return multiply(group, &secret, &in, product);
}

int gost_curve_multiply_base(const char *curve, const uint8_t scalar[32], uint8_t product[64])
{
    const group *group = find(curve);
    number secret;
    if (group == NULL)
        return 0;
    number_load(&secret, scalar);
    return multiply(group, &secret, NULL, product);
}

int gost_curve_agree(const char *curve, const uint8_t d[32], const uint8_t ukm[8],
                     const uint8_t point[64], uint8_t shared[64])
{
    const group *group = find(curve);
    coordinates in;
    number secret, factor = {{0, 0, 0, 0}};
    if (group == NULL || !load_point(group, &in, point))
        return 0;
    number_load(&secret, d);
    for (int i = 0; i < 8; i++)
        factor.limb[0] = factor.limb[0] << 8 | ukm[i];
    uint64_t within = number_is_within(&secret, &group->order->m);
    multiply_scalars(&secret, &secret, &factor, group->order);
    return multiply(group, &secret, &in, shared) & answer(within, shared, 64);
}

int gost_curve_sign(const char *curve, const uint8_t d[32], const uint8_t e[32],
                    const uint8_t k[32], uint8_t signature[64])
{
    const group *group = find(curve);
    number key, hash, nonce, r, s, t;
    coordinates point;
    if (group == NULL)
        return 0;
    const number *n = &group->order->m;
    number_load(&key, d);
    number_load(&hash, e);
    number_load(&nonce, k);
    uint64_t good = number_is_within(&key, n) & number_is_within(&hash, n) &
                    number_is_within(&nonce, n);
    group->multiply_base(&point, &nonce);
    number_reduce_once(&r, 0, &point.x, n);
    multiply_scalars(&s, &r, &key, group->order);
    multiply_scalars(&t, &hash, &nonce, group->order);
    modular_add(&s, &s, &t, n);
    good &= ~(number_is_zero(&r) | number_is_zero(&s));
    number_store(signature, &s);
    number_store(signature + 32, &r);
    gost_wipe(&key, sizeof key);
    gost_wipe(&nonce, sizeof nonce);
    gost_wipe(&point, sizeof point);
    gost_wipe(&t, sizeof t);
    return answer(good, signature, 64);
}

/* The numbers of a signature check (RFC 5832, section 6.2). */
typedef struct {
    number r, z1, z2;
} check;

/* 0 for numbers out of range. */
static int prepare(check *check, const group *group, const uint8_t e[32],
                   const uint8_t signature[64])
{
    const number *n = &group->order->m;
    number hash, s, v;
    number_load(&hash, e);
    number_load(&s, signature);
    number_load(&check->r, signature + 32);
    if (!number_is_within(&hash, n) || !number_is_within(&s, n) ||
        !number_is_within(&check->r, n))
        return 0;
    invert_public(&v, &hash, group->order);
    multiply_scalars(&check->z1, &s, &v, group->order);
    multiply_scalars(&check->z2, &check->r, &v, group->order);
    number_subtract(&check->z2, n, &check->z2);
    return 1;
}

/* C = z1 P + z2 Q, and its x is r modulo the order. */
int gost_curve_verify(const char *curve, const uint8_t point[64], const uint8_t e[32],
                      const uint8_t signature[64])
{
    const group *group = find(curve);
    coordinates public_key;
    check check;
    return group != NULL && load_point(group, &public_key, point) &&
           prepare(&check, group, e, signature) &&
           group->sum_has_x(&check.z1, &check.z2, &public_key, &check.r);
}

struct gost_known_point {
    const group *group;
    uint64_t table[]; /* of known_size bytes */
};

gost_known_point *gost_curve_know(const char *curve, const uint8_t point[64])
{
    const group *group = find(curve);
    coordinates public_key;
    if (group == NULL || !load_point(group, &public_key, point))
        return NULL;
    gost_known_point *known = malloc(sizeof *known + group->known_size);
    if (known != NULL) {
        known->group = group;
        group->know(known->table, &public_key);
    }
    return known;
}

void gost_curve_forget(gost_known_point *known)
{
    free(known);
}

int gost_curve_verify_known(const gost_known_point *known, const uint8_t e[32],
                            const uint8_t signature[64])
{
    const group *group = known->group;
    check check;
    return prepare(&check, group, e, signature) &&
           group->known_sum_has_x(&check.z1, &check.z2, known->table, &check.r);
}
