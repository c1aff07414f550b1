#include "digest.h"

#include <gcrypt.h>
#include <string.h>

/* The handle of libgcrypt under our own name: callers see one type, and no cast of theirs. */
static gcry_md_hd_t handle(const gost_digest *digest)
{
    return (gcry_md_hd_t)digest;
}

gost_digest *gost_digest_new(void)
{
    gcry_md_hd_t md = NULL;
    if (gcry_md_open(&md, GCRY_MD_GOSTR3411_CP, 0) != 0)
        return NULL;
    return (gost_digest *)md;
}

gost_digest *gost_digest_copy(const gost_digest *digest)
{
    gcry_md_hd_t md = NULL;
    if (gcry_md_copy(&md, handle(digest)) != 0)
        return NULL;
    return (gost_digest *)md;
}

void gost_digest_free(gost_digest *digest)
{
    gcry_md_close(handle(digest));
}

void gost_digest_update(gost_digest *digest, const uint8_t *data, size_t size)
{
    gcry_md_write(handle(digest), data, size);
}

void gost_digest_final(gost_digest *digest, uint8_t out[GOST_DIGEST_SIZE])
{
    memcpy(out, gcry_md_read(handle(digest), GCRY_MD_GOSTR3411_CP), GOST_DIGEST_SIZE);
}

int gost_hmac(const uint8_t *key, size_t key_size, const uint8_t *data, size_t size,
              uint8_t out[GOST_DIGEST_SIZE])
{
    gcry_md_hd_t md = NULL;
    if (gcry_md_open(&md, GCRY_MD_GOSTR3411_CP, GCRY_MD_FLAG_HMAC) != 0)
        return 0;
    int done = gcry_md_setkey(md, key, key_size) == 0;
    if (done) {
        gcry_md_write(md, data, size);
        memcpy(out, gcry_md_read(md, GCRY_MD_GOSTR3411_CP), GOST_DIGEST_SIZE);
    }
    gcry_md_close(md);
    return done;
}
