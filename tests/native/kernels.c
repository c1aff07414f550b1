/*
 * Every kernel that the processor supports against the portable one: all lengths up to several
 * batches, every alignment, in place and not, one message and whole streams of frames. Needs no
 * library, so that it also runs as a program for another processor under an emulator.
 */
#include "check.h"
#include "frames.h"
#include "mgm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST 1100
#define ROOM (LONGEST + 64)

static uint8_t text[ROOM], sealed[ROOM], opened[ROOM], expected[ROOM], header[64];
static uint8_t key[32], nonce[8];

static void compare_message(magma_mgm *one, magma_mgm *portable, size_t size, size_t shift)
{
    uint8_t tag[8], expected_tag[8], *in = text + shift, *out = sealed + (shift * 5) % 64;
    size_t associated = (size + shift) % 23 + (size == 0);
    magma_mgm_seal(portable, nonce, header, associated, in, size, expected, expected_tag);
    magma_mgm_seal(one, nonce, header, associated, in, size, out, tag);
    CHECK(memcmp(out, expected, size) == 0 && memcmp(tag, expected_tag, 8) == 0);
    CHECK(magma_mgm_open(one, nonce, header, associated, out, size, tag, opened));
    CHECK(memcmp(opened, in, size) == 0);
    CHECK(magma_mgm_open(one, nonce, header, associated, out, size, tag, out));
    CHECK(memcmp(out, in, size) == 0);
    magma_mgm_seal(one, nonce, header, associated, out, size, out, tag);
    CHECK(memcmp(out, expected, size) == 0 && memcmp(tag, expected_tag, 8) == 0);
    tag[size % 8] ^= 1;
    CHECK(!magma_mgm_open(one, nonce, header, associated, out, size, tag, opened));
    for (size_t i = 0; i < size; i++)
        CHECK(opened[i] == 0);
}

static void compare_messages(void)
{
    magma_mgm *one = magma_mgm_new(tested, key), *portable = magma_mgm_new("portable", key);
    CHECK(one != NULL && portable != NULL);
    CHECK(strcmp(magma_mgm_kernel(one), tested) == 0);
    for (size_t size = 0; size <= LONGEST; size++)
        compare_message(one, portable, size, size % 64);
    for (size_t shift = 0; shift < 64; shift++)
        compare_message(one, portable, 520 + shift % 9, shift);
    magma_mgm_free(one);
    magma_mgm_free(portable);
}

/* Frames one by one are the messages that the AEAD makes. */
static void compare_frame(frames *one, magma_mgm *portable, uint64_t number, size_t size)
{
    uint8_t plain[ROOM + 1] = {7}, tag[8], number_nonce[8], out[ROOM + FRAME_OVERHEAD];
    uint64_t start = magma_load(nonce) & (((uint64_t)1 << 63) - 1);
    magma_store(number_nonce, start ^ number);
    memcpy(plain + 1, text, size);
    CHECK(frames_seal(one, 2, 7, text, size, ROOM, 1, out) == size);
    CHECK(out[0] == 2 && ((size_t)out[1] << 8 | out[2]) == 1 + size + 8);
    magma_mgm_seal(portable, number_nonce, out, 3, plain, 1 + size, expected, tag);
    CHECK(memcmp(out + 3, expected, 1 + size) == 0 && memcmp(out + 4 + size, tag, 8) == 0);
}

static void compare_frames(void)
{
    frames *one = frames_new(tested, key, nonce);
    magma_mgm *portable = magma_mgm_new("portable", key);
    CHECK(one != NULL && portable != NULL);
    for (uint64_t number = 0; number < 300; number++)
        compare_frame(one, portable, number, (size_t)(number * 3));
    frames_free(one);
    magma_mgm_free(portable);
}

/* A stream of many frames, given in parts and altered at every place. */
static void open_stream(const uint8_t *stream, size_t size, size_t data_size, size_t altered)
{
    frames *opener = frames_new(tested, key, nonce);
    uint8_t *copy = malloc(size), *out = malloc(size);
    size_t taken = 0, found = 0;
    frames_opened result;
    CHECK(opener != NULL && copy != NULL && out != NULL);
    memcpy(copy, stream, size);
    if (altered < size)
        copy[altered] ^= 0x20;
    do {
        frames_open(opener, 2, 2, copy + taken, size - taken, 100, 70, out + found, &result);
        taken += result.taken;
        found += result.payload;
        CHECK(result.content == -1 && result.last == 0);
    } while (result.taken > 0 && !result.forged);
    CHECK(memcmp(out, text, found) == 0);
    if (altered >= size)
        CHECK(taken == size && found == data_size && !result.forged);
    else
        CHECK(taken <= altered && found < data_size);
    frames_free(opener);
    free(copy);
    free(out);
}

static void exercise_streams(void)
{
    size_t frame_count = (LONGEST + 6) / 7, size = LONGEST + frame_count * FRAME_OVERHEAD;
    uint8_t *stream = malloc(size);
    frames *sealer = frames_new(tested, key, nonce);
    CHECK(stream != NULL && sealer != NULL);
    CHECK(frames_seal(sealer, 2, 2, text, LONGEST, 7, 1000, stream) == LONGEST);
    open_stream(stream, size, LONGEST, size);
    for (size_t at = 0; at < size; at += 1 + at / 40)
        open_stream(stream, size, LONGEST, at);
    frames_free(sealer);
    frames_free(NULL);
    free(stream);
}

int main(void)
{
    const char *names[8];
    size_t count = kernel_names(names, 8);
    fill(text, sizeof text, 1);
    fill(header, sizeof header, 2);
    fill(key, sizeof key, 3);
    fill(nonce, sizeof nonce, 4);
    nonce[0] &= 0x7f;
    for (size_t i = 0; i < count; i++) {
        tested = names[i];
        compare_messages();
        compare_frames();
        exercise_streams();
        puts(tested);
    }
    CHECK(magma_mgm_new("none", key) == NULL && frames_new("none", key, nonce) == NULL);
    CHECK(kernel_find(NULL) == kernel_choose());
    return 0;
}
