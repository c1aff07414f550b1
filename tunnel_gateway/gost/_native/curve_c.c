/* CryptoPro-C of RFC 4357, section 11.4. */
#include "montgomery.h"

static const modulus prime = {
    .m = {{0x7998f7b9022d759b, 0xcf846e86789051d3,
           0xab1ec85e6b41c8aa, 0x9b9f605f5a858107}},
    .one = {{0x86670846fdd28a65, 0x307b9179876fae2c,
             0x54e137a194be3755, 0x64609fa0a57a7ef8}},
    .square = {{0x409973b4c427fcea, 0x1017bb39c2d346c5,
                0x186304212849c07b, 0x807a394ede097652}},
    .inverse = 0xdf6e6c2c727c176d,
};

#include "field_montgomery.h"

static const modulus order = {
    .m = {{0xf02f3a6598980bb9, 0x582ca3511eddfb74,
           0xab1ec85e6b41c8aa, 0x9b9f605f5a858107}},
    .one = {{0x0fd0c59a6767f447, 0xa7d35caee122048b,
             0x54e137a194be3755, 0x64609fa0a57a7ef8}},
    .square = {{0xe94faab66aba180e, 0x04fda8694afda24b,
                0xc67e5d0ee96e8ed3, 0x7aa61b49a49d4759}},
    .inverse = 0xa1c6af0a552f7577,
};

static const number coefficient = {{32858, 0, 0, 0}};

#include "group.h"

static const coordinates generator = {
    .x = {{0, 0, 0, 0}},
    .y = {{0x366e550dfdb3bb67, 0x4d4dc440d4641a8f,
           0x3cbf3783cd08c0ee, 0x41ece55743711a8c}},
};

#include "point.h"

#include "multiply.h"

const group group_cryptopro_c = {
    .name = "CryptoPro-C",
    .order = &order,
    .contains = contains,
    .multiply = multiply,
    .multiply_base = multiply_base,
    .sum_has_x = sum_has_x,
    .known_size = sizeof(many_multiples),
    .know = know,
    .known_sum_has_x = known_sum_has_x,
};
