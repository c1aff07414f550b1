/* CryptoPro-A of RFC 4357, section 11.4. */
#include "field_cryptopro_a.h"
#include "montgomery.h"

static const modulus order = {
    .m = {{0x45841b09b761b893, 0x6c611070995ad100,
           0xffffffffffffffff, 0xffffffffffffffff}},
    .one = {{0xba7be4f6489e476d, 0x939eef8f66a52eff,
             0x0000000000000000, 0x0000000000000000}},
    .square = {{0x9ac2d7858e79a469, 0xfb07f8222e76dd52,
                0xf74885d08a3714c6, 0x551fe9cb451179db}},
    .inverse = 0x9ee6ea0b57c7da65,
};

static const number coefficient = {{166, 0, 0, 0}};

#include "group.h"

static const coordinates generator = {
    .x = {{1, 0, 0, 0}},
    .y = {{0x22acc99c9e9f1e14, 0x35294f2ddf23e3b1,
           0x27df505a453f2b76, 0x8d91e471e0989cda}},
};

#include "point.h"

#include "multiply.h"

const group group_cryptopro_a = {
    .name = "CryptoPro-A",
    .order = &order,
    .contains = contains,
    .multiply = multiply,
    .multiply_base = multiply_base,
    .sum_has_x = sum_has_x,
    .known_size = sizeof(many_multiples),
    .know = know,
    .known_sum_has_x = known_sum_has_x,
};
