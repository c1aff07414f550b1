#include "page_frames.h"

#include <string.h>

/* No server writes a longer answer to an upgrade; browsers give up at 256 KiB. */
#define MAX_HEAD (64 * 1024)
#define HEAD_LINE_ENDS 4 /* CR LF CR LF */

#define OPCODE 0x0f
#define OPCODE_CLOSE 0x08
#define MASKED 0x80
#define LENGTH 0x7f

void page_frames_init(page_frames *frames)
{
    memset(frames, 0, sizeof *frames);
    frames->needed = 2;
}

int page_frames_may_close(const page_frames *frames)
{
    return frames->answered && !frames->lost && frames->header_size == 0 && frames->left == 0 &&
           !frames->close_seen;
}

static int is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* HTTP/1.1 1xx, and whether it is 101; -1 for anything else. */
static int switches(const page_frames *frames)
{
    const uint8_t *status = frames->status;
    if (frames->status_size < STATUS_SIZE || memcmp(status, "HTTP/1.1 1", 10) != 0 ||
        !is_digit(status[10]) || !is_digit(status[11]) ||
        (status[12] != ' ' && status[12] != '\r'))
        return -1;
    return status[10] == '0' && status[11] == '1';
}

static uint8_t line_ends_after(uint8_t line_ends, uint8_t byte)
{
    if (byte == '\n')
        return line_ends == 1 || line_ends == 3 ? (uint8_t)(line_ends + 1) : 0;
    if (byte == '\r')
        return line_ends == 2 ? 3 : 1;
    return 0;
}

/* Interim answers come before the one that counts. */
static void head_over(page_frames *frames)
{
    int found = switches(frames);
    frames->status_size = 0;
    frames->line_ends = 0;
    frames->answered = found != 0;
    frames->lost = found < 0;
}

static size_t follow_head(page_frames *frames, const uint8_t *data, size_t size)
{
    size_t place = 0;
    while (place < size && !frames->answered && !frames->lost) {
        uint8_t byte = data[place++];
        if (frames->status_size < STATUS_SIZE)
            frames->status[frames->status_size++] = byte;
        frames->line_ends = line_ends_after(frames->line_ends, byte);
        frames->head++;
        if (frames->line_ends == HEAD_LINE_ENDS)
            head_over(frames);
        else if (frames->head > MAX_HEAD)
            frames->lost = 1;
    }
    return place;
}

static void begin_frame(page_frames *frames)
{
    uint8_t length = frames->header[1] & LENGTH;
    unsigned bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
    frames->left = bytes > 0 ? 0 : length;
    for (unsigned i = 0; i < bytes; i++)
        frames->left = frames->left << 8 | frames->header[2 + i];
    if ((frames->header[0] & OPCODE) == OPCODE_CLOSE)
        frames->close_seen = 1;
    frames->header_size = 0;
    frames->needed = 2;
}

static void follow_header(page_frames *frames, uint8_t byte)
{
    frames->header[frames->header_size++] = byte;
    if (frames->header_size == 2) {
        uint8_t length = byte & LENGTH;
        frames->needed = (uint8_t)(2 + (length == 126 ? 2 : length == 127 ? 8 : 0) +
                                   (byte & MASKED ? 4 : 0));
    }
    if (frames->header_size == frames->needed)
        begin_frame(frames);
}

void page_frames_follow(page_frames *frames, const uint8_t *data, size_t size)
{
    if (size > 0)
        frames->started = 1;
    size_t place = frames->answered || frames->lost ? 0 : follow_head(frames, data, size);
    while (place < size && !frames->lost) {
        if (frames->left > 0) {
            size_t step = frames->left < size - place ? (size_t)frames->left : size - place;
            frames->left -= step;
            place += step;
        } else {
            follow_header(frames, data[place++]);
        }
    }
}
