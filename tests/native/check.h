/* What drivers check with, and bytes to check: the same in every run. */
#ifndef TUNNEL_GATEWAY_CHECK_H
#define TUNNEL_GATEWAY_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* For the message of a check that fails, of a driver that tests several things in turn. */
static const char *tested = "";

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s %s:%d: not %s\n", tested, __FILE__, __LINE__,              \
                    #condition);                                                          \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

static inline void fill(uint8_t *bytes, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1103515245 + 12345;
        bytes[i] = (uint8_t)(seed >> 16);
    }
}

#endif
