/* CRC-32C (Castagnoli), RFC 3720, appendix B.4. It finds accidents and protects against nobody. */
#ifndef TUNNEL_GATEWAY_CRC32C_H
#define TUNNEL_GATEWAY_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const uint8_t *data, size_t size);

#endif
