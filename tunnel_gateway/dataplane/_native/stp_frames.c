#include "stp_frames.h"

#include "crc32c.h"

#include <string.h>

#define FRAMES (UINT64_C(1) << 32)
#define FIELDS 12 /* bytes before the checksum */

static uint32_t load(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

static void store(uint8_t *out, uint32_t word)
{
    for (int i = 4; i--; word >>= 8)
        out[i] = (uint8_t)word;
}

static size_t smaller(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

/* Check a whole header: the frame's payload follows it. */
static stp_fault begin(stp_reader *reader, stp_found *found)
{
    const uint8_t *header = reader->header;
    found->counter = load(header);
    found->blocks = load(header + 4);
    found->rest = load(header + 8);
    if (load(header + FIELDS) != crc32c(header, FIELDS))
        return STP_CHECKSUM;
    if (found->counter != reader->frames)
        return STP_COUNTER;
    if (found->blocks > reader->max_blocks || found->rest >= STP_BLOCK)
        return STP_LENGTH;
    reader->frames++;
    reader->payload = (uint64_t)found->blocks * STP_BLOCK + found->rest;
    reader->padding = (uint8_t)((STP_BLOCK - found->rest) % STP_BLOCK);
    reader->header_size = 0;
    return STP_NO_FAULT;
}

size_t stp_read(stp_reader *reader, uint8_t *data, size_t size, stp_found *found)
{
    size_t place = 0, taken = 0;
    *found = (stp_found){.fault = STP_NO_FAULT};
    gost_stream_decrypt(&reader->stream, data, data, size / STP_BLOCK);
    while (place < size && found->fault == STP_NO_FAULT) {
        if (reader->payload > 0) {
            size_t part = smaller(reader->payload, size - place);
            memmove(data + taken, data + place, part);
            reader->payload -= part;
            taken += part;
            place += part;
        } else if (reader->padding > 0) {
            size_t part = smaller(reader->padding, size - place);
            reader->padding = (uint8_t)(reader->padding - part);
            place += part;
        } else {
            size_t part = smaller(STP_HEADER_SIZE - (size_t)reader->header_size, size - place);
            memcpy(reader->header + reader->header_size, data + place, part);
            reader->header_size = (uint8_t)(reader->header_size + part);
            place += part;
            if (reader->header_size == STP_HEADER_SIZE)
                found->fault = begin(reader, found);
        }
    }
    return taken;
}

size_t stp_room(size_t size)
{
    size_t frames = (size + STP_MAX_PAYLOAD - 1) / STP_MAX_PAYLOAD;
    return size + frames * (STP_HEADER_SIZE + STP_BLOCK - 1);
}

static size_t write_frame(stp_writer *writer, const uint8_t *in, size_t size, uint8_t *out)
{
    size_t padding = (STP_BLOCK - size % STP_BLOCK) % STP_BLOCK;
    store(out, (uint32_t)writer->counter++);
    store(out + 4, (uint32_t)(size / STP_BLOCK));
    store(out + 8, (uint32_t)(size % STP_BLOCK));
    store(out + FIELDS, crc32c(out, FIELDS));
    memcpy(out + STP_HEADER_SIZE, in, size);
    memset(out + STP_HEADER_SIZE + size, 0, padding);
    return STP_HEADER_SIZE + size + padding;
}

size_t stp_write(stp_writer *writer, const uint8_t *in, size_t size, uint8_t *out)
{
    size_t made = 0;
    for (size_t start = 0; start < size; start += STP_MAX_PAYLOAD) {
        if (writer->counter >= FRAMES)
            return 0;
        made += write_frame(writer, in + start, smaller(STP_MAX_PAYLOAD, size - start), out + made);
    }
    gost_stream_encrypt(&writer->stream, out, out, made / STP_BLOCK);
    return made;
}
