/*
 * The S-boxes as byte permutes take them: a table of sixteen bytes for each byte of the word, for
 * its low nibbles and for its high ones. Row i stands for byte i of the word.
 */
#ifndef TUNNEL_GATEWAY_NIBBLES_H
#define TUNNEL_GATEWAY_NIBBLES_H

#include "sboxes.h"

static _Alignas(64) uint8_t low_nibbles[SBOXES][4][16], high_nibbles[SBOXES][4][16];

__attribute__((constructor)) static void fill_tables(void)
{
    for (int sbox = 0; sbox < SBOXES; sbox++)
        for (int byte = 0; byte < 4; byte++)
            for (int value = 0; value < 16; value++) {
                low_nibbles[sbox][byte][value] = sboxes[sbox][2 * byte][value];
                high_nibbles[sbox][byte][value] = (uint8_t)(sboxes[sbox][2 * byte + 1][value] << 4);
            }
}

#endif
