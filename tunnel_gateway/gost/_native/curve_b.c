/* CryptoPro-B of RFC 4357, section 11.4. */
#include "montgomery.h"

static const modulus prime = {
    .m = {{0x0000000000000c99, 0x0000000000000000,
           0x0000000000000000, 0x8000000000000000}},
    .one = {{0xfffffffffffff367, 0xffffffffffffffff,
             0xffffffffffffffff, 0x7fffffffffffffff}},
    .square = {{41602500, 0, 0, 0}},
    .inverse = 0xbd667ab8a3347857,
};

#include "field_montgomery.h"

static const modulus order = {
    .m = {{0xe497161bcc8a198f, 0x5f700cfff1a624e5,
           0x0000000000000001, 0x8000000000000000}},
    .one = {{0x1b68e9e43375e671, 0xa08ff3000e59db1a,
             0xfffffffffffffffe, 0x7fffffffffffffff}},
    .square = {{0x29b721f4e6cd7823, 0x2a3104a7ea43e855,
                0x4a2e7e2f6882cf10, 0x09d1d2c4e5082466}},
    .inverse = 0xca89614990611a91,
};

static const number coefficient = {{0x2f49d4ce7e1bbc8b, 0xe979259373ff2b18,
                                  0x66a7d3c25c3df80a, 0x3e1af419a269a5f8}};

#include "group.h"

static const coordinates generator = {
    .x = {{1, 0, 0, 0}},
    .y = {{0x744bf8d717717efc, 0xc545c9858d03ecfb,
           0xb83d1c3eb2c070e5, 0x3fa8124359f96680}},
};

#include "point.h"

#include "multiply.h"

const group group_cryptopro_b = {
    .name = "CryptoPro-B",
    .order = &order,
    .contains = contains,
    .multiply = multiply,
    .multiply_base = multiply_base,
    .sum_has_x = sum_has_x,
    .known_size = sizeof(many_multiples),
    .know = know,
    .known_sum_has_x = known_sum_has_x,
};
