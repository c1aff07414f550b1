#include "records.h"

#include "digest.h"
#include "gost28147.h"

#include <string.h>

#define PREFIX "eimzo1 "
#define PREFIX_SIZE (sizeof PREFIX - 1)
#define IV_SIZE 8

/*
 * HKDF-Expand-Label (RFC 8446, section 7.1) without a context, for at most one block of output:
 * then HKDF-Expand (RFC 5869, section 2.3) is one HMAC.
 */
static int expand_label(const uint8_t secret[SECRET_SIZE], const char *label, uint8_t *out,
                        uint8_t size)
{
    size_t label_size = strlen(label); /* at most 3 */
    uint8_t info[2 + 1 + PREFIX_SIZE + 3 + 1 + 1], block[GOST_DIGEST_SIZE], *end = info;
    *end++ = 0;
    *end++ = size;
    *end++ = (uint8_t)(PREFIX_SIZE + label_size);
    memcpy(end, PREFIX, PREFIX_SIZE);
    end += PREFIX_SIZE;
    memcpy(end, label, label_size);
    end += label_size;
    *end++ = 0; /* the size of the context */
    *end++ = 1; /* the number of the block */
    int done = gost_hmac(NULL, secret, SECRET_SIZE, info, (size_t)(end - info), block);
    memcpy(out, block, size);
    gost_wipe(block, sizeof block);
    return done;
}

int record_keys_init(record_keys *keys, const uint8_t secret[SECRET_SIZE], uint32_t left)
{
    uint8_t key[MGM_KEY_SIZE], iv[IV_SIZE];
    int done = left <= RECORDS_PER_KEY && expand_label(secret, "key", key, sizeof key) &&
               expand_label(secret, "iv", iv, sizeof iv);
    if (done) {
        frames_init(&keys->frames, NULL, key, iv, RECORDS_PER_KEY - left);
        memmove(keys->secret, secret, SECRET_SIZE);
        keys->left = left;
    }
    gost_wipe(key, sizeof key);
    gost_wipe(iv, sizeof iv);
    return done;
}

static int renew_spent_key(record_keys *keys)
{
    uint8_t next[SECRET_SIZE];
    if (keys->left > 0)
        return 1;
    int done = expand_label(keys->secret, "upd", next, sizeof next) &&
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
