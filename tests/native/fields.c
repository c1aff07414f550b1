/*
 * The arithmetic of one curve's field and scalars, for Python to compare with its integers.
 *
 * CURVE names the source. Pairs of numbers come by standard input, 64 bytes each; for each pair
 * go out the twelve numbers below, 32 bytes each, all big-endian.
 */
#include CURVE

#include <stdio.h>

static void put_number(const number *a)
{
    uint8_t bytes[32];
    number_store(bytes, a);
    fwrite(bytes, 1, sizeof bytes, stdout);
}

static void put(const element *a)
{
    number value;
    field_leave(&value, a);
    put_number(&value);
}

static void put_mask(uint64_t mask)
{
    number value = {{mask, 0, 0, 0}};
    put_number(&value);
}

static void field(const number *a, const number *b)
{
    element x, y, sum, difference, result;
    field_enter(&x, a);
    field_enter(&y, b);
    field_add(&sum, &x, &y);
    put(&sum);
    field_subtract(&difference, &x, &y);
    put(&difference);
    put_mask(field_is_zero(&difference));
    field_multiply(&result, &sum, &difference);
    put(&result);
    field_multiply(&result, &x, &y);
    put(&result);
    field_square(&result, &difference);
    put(&result);
    field_halve(&result, &sum);
    put(&result);
    field_invert(&result, &difference);
    put(&result);
}

static void scalars(number *a, number *b)
{
    number one = {{1, 0, 0, 0}}, x, y, result;
    montgomery_enter(&x, a, &order);
    montgomery_enter(&y, b, &order);
    montgomery_multiply(&result, &x, &y, &order);
    montgomery_leave(&result, &result, &order);
    put_number(&result);
    montgomery_square(&result, &x, &order);
    montgomery_multiply(&result, &result, &one, &order);
    put_number(&result);
    modular_add(&result, &x, &y, &order.m);
    montgomery_leave(&result, &result, &order);
    put_number(&result);
    put_mask(number_is_within(a, &order.m));
}

int main(void)
{
    uint8_t pair[64];
    while (fread(pair, sizeof pair, 1, stdin) == 1) {
        number a, b;
        number_load(&a, pair);
        number_load(&b, pair + 32);
        field(&a, &b);
        scalars(&a, &b);
    }
    return 0;
}
