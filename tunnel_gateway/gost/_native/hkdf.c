#include "hkdf.h"

#include "digest.h"
#include "gost28147.h"

#include <string.h>

/* The input of an HMAC of HKDF-Expand (RFC 5869, section 2.3): the block before | info | number. */
#define INFO GOST_DIGEST_SIZE
#define INPUT_SIZE (INFO + 2 + 1 + HKDF_MOST + 1 + HKDF_MOST + 1)

static size_t fill_info(uint8_t *info, uint8_t out_size, const uint8_t *label, uint8_t label_size,
                        const uint8_t *context, uint8_t context_size)
{
    uint8_t *end = info;
    *end++ = 0;
    *end++ = out_size;
    *end++ = label_size;
    memcpy(end, label, label_size);
    end += label_size;
    *end++ = context_size;
    if (context_size > 0)
        memcpy(end, context, context_size);
    return (size_t)(end - info) + context_size;
}

static int expand(const uint8_t *secret, uint8_t input[INPUT_SIZE], size_t info_size, uint8_t *out,
                  size_t size)
{
    uint8_t block[GOST_DIGEST_SIZE];
    size_t start = INFO; /* the first block has none before it */
    int done = 1;
    for (uint8_t number = 1; done && size > 0; number++) {
        size_t part = size < sizeof block ? size : sizeof block;
        input[INFO + info_size] = number;
        done = gost_hmac(NULL, secret, HKDF_SECRET_SIZE, input + start,
                         INFO + info_size + 1 - start, block);
        memcpy(out, block, part);
        memcpy(input, block, sizeof block);
        out += part;
        size -= part;
        start = 0;
    }
    gost_wipe(block, sizeof block);
    return done;
}

int hkdf_expand_labels(const uint8_t secret[HKDF_SECRET_SIZE], const uint8_t *labels,
                       size_t labels_size, const uint8_t *context, size_t context_size,
                       uint8_t *out, size_t out_size)
{
    const uint8_t *end = labels + labels_size;
    uint8_t input[INPUT_SIZE];
    int done = context_size <= HKDF_MOST;
    while (done && labels < end) {
        size_t left = (size_t)(end - labels);
        uint8_t size = labels[0], label_size = left < 2 ? 0 : labels[1];
        done = left >= 2u + label_size && out_size >= size;
        if (!done)
            break;
        size_t info_size =
            fill_info(input + INFO, size, labels + 2, label_size, context, (uint8_t)context_size);
        done = expand(secret, input, info_size, out, size);
        labels += 2 + label_size;
        out += size;
        out_size -= size;
    }
    gost_wipe(input, sizeof input);
    return done && out_size == 0;
}
