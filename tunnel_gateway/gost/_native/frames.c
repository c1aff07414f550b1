#include "frames.h"

#include "gost28147.h"
#include "mgm.h"

#include <stdlib.h>
#include <string.h>

#define NONCE_BITS (((uint64_t)1 << 63) - 1)

static void compute_starts(frames *frames, uint64_t first)
{
    uint64_t nonce[FRAME_STARTS];
    for (unsigned i = 0; i < FRAME_STARTS; i++)
        nonce[i] = frames->iv ^ (first + i);
    mgm_starts(&frames->mgm, nonce, frames->start);
}

void frames_init(frames *frames, const kernel *kernel, const uint8_t key[32],
                 const uint8_t iv[8], uint64_t number)
{
    magma_mgm_init(&frames->mgm, kernel, key);
    frames->iv = magma_load(iv) & NONCE_BITS;
    frames->number = number;
    if (number % FRAME_STARTS > 0)
        compute_starts(frames, number - number % FRAME_STARTS);
}

frames *frames_new(const char *kernel_name, const uint8_t key[32], const uint8_t iv[8])
{
    const kernel *kernel = kernel_find(kernel_name);
    frames *frames = kernel != NULL ? malloc(sizeof *frames) : NULL;
    if (frames == NULL)
        return NULL;
    frames_init(frames, kernel, key, iv, 0);
    return frames;
}

void frames_free(frames *frames)
{
    if (frames == NULL)
        return;
    gost_wipe(frames, sizeof *frames);
    free(frames);
}

static mgm_start next_start(frames *frames)
{
    unsigned place = (unsigned)(frames->number % FRAME_STARTS);
    if (place == 0)
        compute_starts(frames, frames->number);
    frames->number++;
    return frames->start[place];
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The content type and the payload are one text, whose first block is put together here. */
static void seal_text(mgm_message *message, uint8_t content, const uint8_t *in, size_t size,
                      uint8_t *out)
{
    uint8_t first[MAGMA_BLOCK] = {content};
    size_t with_content = smaller(size, MAGMA_BLOCK - 1);
    memcpy(first + 1, in, with_content);
    mgm_seal(message, first, out, 1 + with_content);
    mgm_seal(message, in + with_content, out + 1 + with_content, size - with_content);
}

static uint8_t open_text(mgm_message *message, const uint8_t *in, size_t size, uint8_t *out)
{
    uint8_t first[MAGMA_BLOCK];
    size_t with_content = smaller(size, MAGMA_BLOCK);
    mgm_open(message, in, first, with_content);
    memcpy(out, first + 1, with_content - 1);
    mgm_open(message, in + with_content, out + with_content - 1, size - with_content);
    return first[0];
}

static void write_tags(frames *frames, uint64_t *sum, uint8_t *const *place, size_t count)
{
    mgm_tags(&frames->mgm, sum, count);
    for (size_t i = 0; i < count; i++)
        magma_store(place[i], sum[i]);
}

size_t frames_seal(frames *frames, uint8_t type, uint8_t content, const uint8_t *in, size_t size,
                   size_t max_payload, size_t max_frames, uint8_t *out)
{
    mgm_message message;
    uint64_t sum[KERNEL_BLOCKS];
    uint8_t *tag[KERNEL_BLOCKS];
    size_t sealed = 0, taken = 0, waiting = 0;
    do {
        size_t payload = smaller(size - taken, max_payload);
        size_t fragment = 1 + payload + MGM_TAG_SIZE;
        out[0] = type;
        out[1] = (uint8_t)(fragment >> 8);
        out[2] = (uint8_t)fragment;
        mgm_begin(&message, &frames->mgm, next_start(frames), out, FRAME_HEADER_SIZE);
        seal_text(&message, content, in + taken, payload, out + FRAME_HEADER_SIZE);
        sum[waiting] = mgm_sum(&message);
        tag[waiting++] = out + FRAME_HEADER_SIZE + 1 + payload;
        if (waiting == KERNEL_BLOCKS) {
            write_tags(frames, sum, tag, waiting);
            waiting = 0;
        }
        taken += payload;
        out += FRAME_HEADER_SIZE + fragment;
    } while (++sealed < max_frames && taken < size);
    write_tags(frames, sum, tag, waiting);
    mgm_wipe(&message);
    return taken;
}

/* One frame on its way: what was decrypted counts only when its tag has been checked. */
typedef struct {
    uint64_t sum, tag;
    size_t frame, payload;
} pending;

/* Count the genuine frames; stop before the first that is not. */
static void settle(frames *frames, const pending *frame, size_t count, frames_opened *opened)
{
    uint64_t sum[KERNEL_BLOCKS];
    for (size_t i = 0; i < count; i++)
        sum[i] = frame[i].sum;
    mgm_tags(&frames->mgm, sum, count);
    for (size_t i = 0; i < count; i++) {
        /* Whole words are compared: the time does not tell where they differ. */
        if (sum[i] != frame[i].tag) {
            opened->forged = 1;
            return;
        }
        opened->frames++;
        opened->taken += frame[i].frame;
        opened->payload += frame[i].payload;
    }
}

void frames_open(frames *frames, uint8_t type, uint8_t content, const uint8_t *in, size_t size,
                 size_t max_size, size_t max_frames, uint8_t *out, frames_opened *opened)
{
    mgm_message message;
    pending frame[KERNEL_BLOCKS];
    size_t count = 0, read = 0, written = 0, started = 0;
    int other = -1;
    *opened = (frames_opened){.content = -1};
    while (other < 0 && !opened->forged && started < max_frames &&
           size - read >= FRAME_HEADER_SIZE) {
        const uint8_t *head = in + read;
        size_t fragment = (size_t)head[1] << 8 | head[2];
        if (head[0] != type || fragment < 1 + MGM_TAG_SIZE || fragment > max_size ||
            size - read - FRAME_HEADER_SIZE < fragment)
            break;
        size_t text = fragment - MGM_TAG_SIZE;
        mgm_begin(&message, &frames->mgm, next_start(frames), head, FRAME_HEADER_SIZE);
        uint8_t found = open_text(&message, head + FRAME_HEADER_SIZE, text, out + written);
        frame[count++] = (pending){mgm_sum(&message), magma_load(head + FRAME_HEADER_SIZE + text),
                                   FRAME_HEADER_SIZE + fragment, text - 1};
        if (found != content || text == 1)
            other = found;
        started++;
        read += FRAME_HEADER_SIZE + fragment;
        written += text - 1;
        if (count == KERNEL_BLOCKS) {
            settle(frames, frame, count, opened);
            count = 0;
        }
    }
    settle(frames, frame, opened->forged ? 0 : count, opened);
    mgm_wipe(&message);
    if (opened->forged) {
        memset(out + opened->payload, 0, written - opened->payload);
    } else if (other >= 0) {
        opened->content = other;
        opened->last = frame[(count ? count : KERNEL_BLOCKS) - 1].payload;
        opened->payload -= opened->last;
    }
}
