#include "records.h"

#include "gost28147.h"
#include "hkdf.h"

#include <string.h>

#define IV_SIZE 8

/* Labels as hkdf_expand_labels takes them: those of a key with its IV, and of the next secret. */
static const uint8_t key_and_iv[] = "\x20\x0a" "eimzo1 key" "\x08\x09" "eimzo1 iv";
static const uint8_t next_secret[] = "\x20\x0a" "eimzo1 upd";

/* `labels` is one of these, with the zero at its end. */
static int expand(const uint8_t secret[SECRET_SIZE], const uint8_t *labels, size_t size,
                  uint8_t *out, size_t out_size)
{
    return hkdf_expand_labels(secret, labels, size - 1, NULL, 0, out, out_size);
}

int record_keys_init(record_keys *keys, const uint8_t secret[SECRET_SIZE], uint32_t left)
{
    uint8_t made[MGM_KEY_SIZE + IV_SIZE];
    int done = left <= RECORDS_PER_KEY &&
               expand(secret, key_and_iv, sizeof key_and_iv, made, sizeof made);
    if (done) {
        frames_init(&keys->frames, NULL, made, made + MGM_KEY_SIZE, RECORDS_PER_KEY - left);
        memmove(keys->secret, secret, SECRET_SIZE);
        keys->left = left;
    }
    gost_wipe(made, sizeof made);
    return done;
}

static int renew_spent_key(record_keys *keys)
{
    uint8_t next[SECRET_SIZE];
    if (keys->left > 0)
        return 1;
    int done = expand(keys->secret, next_secret, sizeof next_secret, next, sizeof next) &&
               record_keys_init(keys, next, RECORDS_PER_KEY);
    gost_wipe(next, sizeof next);
    return done;
}

int records_open(record_keys *keys, const uint8_t *in, size_t size, uint8_t *out,
                 frames_opened *opened)
{
    if (!renew_spent_key(keys))
        return 0;
    frames_open(&keys->frames, RECORD_PROTECTED, CONTENT_DATA, in, size, MAX_FRAGMENT, keys->left,
                out, opened);
    keys->left -= (uint32_t)opened->frames;
    return 1;
}

static size_t record_count(size_t size)
{
    return size > MAX_PAYLOAD ? (size + MAX_PAYLOAD - 1) / MAX_PAYLOAD : 1;
}

size_t records_room(size_t size)
{
    return size + record_count(size) * FRAME_OVERHEAD;
}

size_t records_seal(record_keys *keys, uint8_t content, const uint8_t *in, size_t size,
                    uint8_t *out)
{
    size_t taken = 0, made = 0;
    do {
        if (!renew_spent_key(keys))
            return 0;
        size_t part = frames_seal(&keys->frames, RECORD_PROTECTED, content, in + taken,
                                  size - taken, MAX_PAYLOAD, keys->left, out + made);
        size_t records = record_count(part);
        keys->left -= (uint32_t)records;
        made += part + records * FRAME_OVERHEAD;
        taken += part;
    } while (taken < size);
    return made;
}
