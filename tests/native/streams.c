/*
 * Every kernel that the processor supports against the portable one, through the cipher streams:
 * all S-boxes and modes, all lengths up to several batches and two changes of the key, in parts and
 * whole, in place and not. Needs no library, so that it also runs as a program for another processor
 * under an emulator.
 */
#include "check.h"
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 300

static uint8_t text[STREAM_BLOCK * BLOCKS], expected[STREAM_BLOCK * BLOCKS];
static uint8_t key[STREAM_KEY_SIZE], iv[STREAM_IV_SIZE];

static gost_stream begun(const char *kernel, unsigned sbox, unsigned mode)
{
    gost_stream stream;
    CHECK(gost_stream_init(&stream, kernel, sbox, mode, key, iv));
    return stream;
}

/* Heap blocks of exactly the size, so that one byte too many is seen. */
static uint8_t *copied(const uint8_t *from, size_t size)
{
    uint8_t *bytes = malloc(size);
    CHECK(bytes != NULL || size == 0);
    if (size > 0)
        memcpy(bytes, from, size);
    return bytes;
}

/* The first blocks of the stream, all at once and not in place. */
static void compare_whole(unsigned sbox, unsigned mode, size_t blocks)
{
    size_t size = STREAM_BLOCK * blocks;
    gost_stream sealer = begun(tested, sbox, mode), opener = sealer;
    uint8_t *plain = copied(text, size), *sealed = malloc(size), *opened = malloc(size);
    CHECK(size == 0 || (sealed != NULL && opened != NULL));
    gost_stream_encrypt(&sealer, plain, sealed, blocks);
    CHECK(size == 0 || memcmp(sealed, expected, size) == 0);
    gost_stream_decrypt(&opener, sealed, opened, blocks);
    CHECK(size == 0 || memcmp(opened, text, size) == 0);
    CHECK(sealer.state == opener.state && sealer.served == opener.served);
    free(plain);
    free(sealed);
    free(opened);
}

/* Save where a stream stands, and go on from there. */
static void move_elsewhere(gost_stream *stream)
{
    uint8_t *place = malloc(STREAM_PLACE_SIZE);
    const kernel *kernel = stream->kernel;
    gost_stream_save(stream, place);
    gost_stream_wipe(stream);
    CHECK(gost_stream_restore(stream, place));
    CHECK(stream->kernel == kernel_choose());
    stream->kernel = kernel;
    free(place);
}

/* All of the stream in place, in parts of 0 to step blocks. */
static void compare_parts(unsigned sbox, unsigned mode, size_t step)
{
    gost_stream *sealer = gost_stream_new(tested, sbox, mode, key, iv);
    gost_stream *opener = gost_stream_new(tested, sbox, mode, key, iv);
    CHECK(sealer != NULL && opener != NULL);
    for (size_t at = 0, part = 0; at < BLOCKS; at += part, part = (part + 1) % (step + 1)) {
        if (part > BLOCKS - at)
            part = BLOCKS - at;
        uint8_t *bytes = copied(text + STREAM_BLOCK * at, STREAM_BLOCK * part);
        gost_stream_encrypt(sealer, bytes, bytes, part);
        CHECK(part == 0 || memcmp(bytes, expected + STREAM_BLOCK * at, STREAM_BLOCK * part) == 0);
        gost_stream_decrypt(opener, bytes, bytes, part);
        CHECK(part == 0 || memcmp(bytes, text + STREAM_BLOCK * at, STREAM_BLOCK * part) == 0);
        free(bytes);
        move_elsewhere(opener);
    }
    gost_stream_free(sealer);
    gost_stream_free(opener);
}

static void compare(unsigned sbox, unsigned mode)
{
    static const size_t lengths[] = {127, 128, 129, 191, 192, 193, 255, 256, 257, BLOCKS};
    gost_stream portable = begun("portable", sbox, mode);
    gost_stream_encrypt(&portable, text, expected, BLOCKS);
    for (size_t blocks = 0; blocks <= 70; blocks++)
        compare_whole(sbox, mode, blocks);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        compare_whole(sbox, mode, lengths[i]);
    compare_parts(sbox, mode, 1);
    compare_parts(sbox, mode, 5);
    compare_parts(sbox, mode, 90);
}

static void exercise_limits(void)
{
    gost_stream stream, zeros = {0};
    CHECK(!gost_stream_init(&stream, "none", SBOX_A, STREAM_CFB, key, iv));
    CHECK(!gost_stream_init(&stream, NULL, SBOXES, STREAM_CFB, key, iv));
    CHECK(!gost_stream_init(&stream, NULL, SBOX_A, STREAM_MODES, key, iv));
    uint8_t place[STREAM_PLACE_SIZE];
    memset(place, 0xff, sizeof place);
    CHECK(!gost_stream_restore(&stream, place));
    CHECK(gost_stream_new("none", SBOX_A, STREAM_CFB, key, iv) == NULL);
    CHECK(gost_stream_new(NULL, SBOXES, STREAM_CFB, key, iv) == NULL);
    gost_stream_free(NULL);
    stream = begun(NULL, SBOX_A, STREAM_CFB);
    CHECK(stream.kernel == kernel_choose());
    gost_stream_wipe(&stream);
    CHECK(memcmp(stream.round_key, zeros.round_key, sizeof zeros.round_key) == 0);
    CHECK(stream.state == 0);
}

int main(void)
{
    const char *names[8];
    size_t count = kernel_names(names, 8);
    fill(text, sizeof text, 1);
    fill(key, sizeof key, 2);
    fill(iv, sizeof iv, 3);
    for (size_t i = 0; i < count; i++) {
        tested = names[i];
        for (unsigned sbox = 0; sbox < SBOXES; sbox++)
            for (unsigned mode = 0; mode < STREAM_MODES; mode++)
                compare(sbox, mode);
        puts(tested);
    }
    exercise_limits();
    return 0;
}
