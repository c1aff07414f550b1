#include "stp_part.h"

#include "system.h"

#include <string.h>

static int within_bounds(const plane_stp *spec)
{
    return spec->up_header.size < STP_HEADER_SIZE && spec->up_block.size < STP_BLOCK &&
           spec->up_padding < STP_BLOCK && spec->up_frames <= UINT32_MAX &&
           spec->hold_ns < (uint64_t)INT64_MAX / 4;
}

static int init(stp_part *part, const plane_stp *spec)
{
    stp_reader *reader = &part->reader;
    reader->max_blocks = spec->max_blocks;
    reader->frames = (uint32_t)spec->up_frames;
    reader->payload = spec->up_payload;
    reader->padding = (uint8_t)spec->up_padding;
    reader->header_size = (uint8_t)spec->up_header.size;
    reader->block_size = (uint8_t)spec->up_block.size;
    if (reader->header_size > 0)
        memcpy(reader->header, spec->up_header.data, reader->header_size);
    if (reader->block_size > 0)
        memcpy(reader->block, spec->up_block.data, reader->block_size);
    part->writer.counter = spec->down_frames;
    part->hold_ns = (int64_t)spec->hold_ns;
    part->acknowledge = spec->acknowledge != 0;
    return gost_stream_restore(&reader->stream, spec->up_place) &&
           gost_stream_restore(&part->writer.stream, spec->down_place);
}

stp_part *stp_part_new(const plane_stp *spec)
{
    stp_part *part = within_bounds(spec) ? system_allocate(sizeof *part) : NULL;
    if (part == NULL)
        return NULL;
    memset(part, 0, sizeof *part);
    if (init(part, spec))
        return part;
    stp_part_free(part);
    return NULL;
}

void stp_part_free(stp_part *part)
{
    if (part != NULL)
        system_free(part, sizeof *part);
}
