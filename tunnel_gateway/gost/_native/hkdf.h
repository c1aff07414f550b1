/* HKDF-Expand-Label of RFC 8446, section 7.1, over HMAC_GOSTR3411: several outputs in one call. */
#ifndef TUNNEL_GATEWAY_HKDF_H
#define TUNNEL_GATEWAY_HKDF_H

#include <stddef.h>
#include <stdint.h>

#define HKDF_SECRET_SIZE 32
#define HKDF_MOST 255 /* bytes of a label, of the context, and of one output */

/*
 * labels are entries of "size of the output u8 | size of the label u8 | label", the label with its
 * prefix. The outputs stand one after the other in out, which has room for out_size bytes. 0
 * without memory, and for labels, a context or an out_size that do not fit together.
 */
int hkdf_expand_labels(const uint8_t secret[HKDF_SECRET_SIZE], const uint8_t *labels,
                       size_t labels_size, const uint8_t *context, size_t context_size,
                       uint8_t *out, size_t out_size);

#endif
