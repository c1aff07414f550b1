/*
 * Seals and opens records with keys and words that valgrind takes for undefined: a branch or an address
 * that depends on one is an error. Sizes are public; what leaves a seal is, too. Of an opened record, the
 * type and whether it is genuine show in what follows, so branches on these are allowed by the test.
 */
#include "records.h"

#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#define SECRET(object) VALGRIND_MAKE_MEM_UNDEFINED(&(object), sizeof(object))
#define PUBLISHED(object) VALGRIND_MAKE_MEM_DEFINED(&(object), sizeof(object))
#define WORDS 20000

static uint8_t words[WORDS], sealed[WORDS + 16 * FRAME_OVERHEAD], out[sizeof sealed];

static int pass(record_keys *sealer, record_keys *opener, uint8_t content, size_t size)
{
    frames_opened opened;
    size_t taken = 0, made = records_seal(sealer, content, words, size, sealed);
    PUBLISHED(sealed);
    while (taken < made) {
        if (!records_open(opener, sealed + taken, made - taken, out, &opened))
            return 0;
        PUBLISHED(opened);
        if (opened.forged || opened.taken == 0)
            return 0;
        taken += opened.taken;
    }
    return made > 0;
}

/* With an argument, the error that has to be found: an address that depends on a key. */
static int leak(const record_keys *keys)
{
    static const uint8_t table[256] = {1};
    return table[keys->secret[0]] == 1 ? 0 : 2;
}

int main(int argc, char **argv)
{
    record_keys sealer, opener;
    uint8_t secret[SECRET_SIZE];
    (void)argv;
    if (!RUNNING_ON_VALGRIND)
        return 3;
    memset(secret, 0x5a, sizeof secret);
    memset(words, 'a', sizeof words);
    SECRET(secret);
    SECRET(words);
    /* Few records are left, so that both change their keys. */
    if (!record_keys_init(&sealer, secret, 3) || !record_keys_init(&opener, secret, 3))
        return 1;
    if (argc > 1)
        return leak(&sealer);
    if (!pass(&sealer, &opener, CONTENT_DATA, WORDS) || !pass(&sealer, &opener, CONTENT_DATA, 5) ||
        !pass(&sealer, &opener, CONTENT_DATA, 300) || !pass(&sealer, &opener, CONTENT_ALERT, 9) ||
        !pass(&sealer, &opener, CONTENT_CLOSE, 0))
        return 1;
    puts("done");
    return 0;
}
