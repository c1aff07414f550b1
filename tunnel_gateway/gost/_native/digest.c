#include "digest.h"

#include "digest_kernel.h"
#include "gost28147.h"

#include <gcrypt.h>
#include <stdlib.h>
#include <string.h>

struct gost_digest {
    void (*step)(uint8_t hash[DIGEST_BLOCK], const uint8_t block[DIGEST_BLOCK]);
    gcry_md_hd_t libgcrypt; /* where step is NULL: then nothing of what follows is used */
    uint8_t hash[DIGEST_BLOCK], sum[DIGEST_BLOCK], pending[DIGEST_BLOCK];
    uint64_t size;
};

static int always(void)
{
    return 1;
}

static const digest_kernel by_libgcrypt = {"libgcrypt", always, NULL};

static const digest_kernel *const kernels[] = {
#if defined(__x86_64__)
    &digest_avx512,
    &digest_avx2,
#endif
    &by_libgcrypt,
};

#define KERNEL_COUNT (sizeof kernels / sizeof kernels[0])

size_t gost_digest_kernels(const char **names, size_t size)
{
    size_t found = 0;
    for (size_t i = 0; i < KERNEL_COUNT; i++)
        if (kernels[i]->supported() && found < size)
            names[found++] = kernels[i]->name;
    return found;
}

static const digest_kernel *find(const char *name)
{
    for (size_t i = 0; i < KERNEL_COUNT; i++)
        if ((name == NULL || strcmp(kernels[i]->name, name) == 0) && kernels[i]->supported())
            return kernels[i];
    return NULL;
}

static int begin(gost_digest *digest, const digest_kernel *kernel)
{
    memset(digest, 0, sizeof *digest);
    digest->step = kernel->step;
    return digest->step != NULL ||
           gcry_md_open(&digest->libgcrypt, GCRY_MD_GOSTR3411_CP, 0) == 0;
}

static void end(gost_digest *digest)
{
    gcry_md_close(digest->libgcrypt);
    gost_wipe(digest, sizeof *digest);
}

gost_digest *gost_digest_new(const char *kernel_name)
{
    const digest_kernel *kernel = find(kernel_name);
    gost_digest *digest = kernel == NULL ? NULL : malloc(sizeof *digest);
    if (digest != NULL && !begin(digest, kernel)) {
        free(digest);
        return NULL;
    }
    return digest;
}

static int copy_to(gost_digest *copy, const gost_digest *digest)
{
    *copy = *digest;
    return digest->libgcrypt == NULL ||
           gcry_md_copy(&copy->libgcrypt, digest->libgcrypt) == 0;
}

gost_digest *gost_digest_copy(const gost_digest *digest)
{
    gost_digest *copy = malloc(sizeof *copy);
    if (copy != NULL && !copy_to(copy, digest)) {
        free(copy);
        return NULL;
    }
    return copy;
}

void gost_digest_free(gost_digest *digest)
{
    if (digest == NULL)
        return;
    end(digest);
    free(digest);
}

/* The numbers are little-endian, and so is every processor that has a kernel. */
static void add(uint8_t sum[DIGEST_BLOCK], const uint8_t block[DIGEST_BLOCK])
{
    uint64_t a[4], b[4], carry = 0;
    memcpy(a, sum, sizeof a);
    memcpy(b, block, sizeof b);
    for (int i = 0; i < 4; i++) {
        uint64_t with_carry = a[i] + carry;
        carry = with_carry < carry;
        a[i] = with_carry + b[i];
        carry |= a[i] < b[i];
    }
    memcpy(sum, a, sizeof a);
}

static void absorb(gost_digest *digest, const uint8_t block[DIGEST_BLOCK])
{
    digest->step(digest->hash, block);
    add(digest->sum, block);
}

void gost_digest_update(gost_digest *digest, const uint8_t *data, size_t size)
{
    if (digest->step == NULL) {
        gcry_md_write(digest->libgcrypt, data, size);
        return;
    }
    while (size > 0) {
        size_t place = digest->size % DIGEST_BLOCK, part = DIGEST_BLOCK - place;
        if (part > size)
            part = size;
        if (part == DIGEST_BLOCK) {
            absorb(digest, data);
        } else {
            memcpy(digest->pending + place, data, part);
            if (place + part == DIGEST_BLOCK)
                absorb(digest, digest->pending);
        }
        digest->size += part;
        data += part;
        size -= part;
    }
}

/* Nothing can be added after this. */
static void finish(gost_digest *digest, uint8_t out[GOST_DIGEST_SIZE])
{
    if (digest->step == NULL) {
        memcpy(out, gcry_md_read(digest->libgcrypt, GCRY_MD_GOSTR3411_CP), GOST_DIGEST_SIZE);
        return;
    }
    size_t place = digest->size % DIGEST_BLOCK;
    if (place > 0) {
        memset(digest->pending + place, 0, DIGEST_BLOCK - place);
        absorb(digest, digest->pending);
    }
    const uint64_t bits[4] = {digest->size << 3, digest->size >> 61, 0, 0};
    uint8_t length[DIGEST_BLOCK];
    memcpy(length, bits, sizeof bits);
    digest->step(digest->hash, length);
    digest->step(digest->hash, digest->sum);
    memcpy(out, digest->hash, GOST_DIGEST_SIZE);
}

int gost_digest_final(const gost_digest *digest, uint8_t out[GOST_DIGEST_SIZE])
{
    gost_digest copy;
    if (!copy_to(&copy, digest))
        return 0;
    finish(&copy, out);
    end(&copy);
    return 1;
}

/* The digest of two parts; 0 without memory. */
static int digest_parts(const digest_kernel *kernel, const uint8_t *first, size_t first_size,
                        const uint8_t *second, size_t second_size, uint8_t out[GOST_DIGEST_SIZE])
{
    gost_digest digest;
    if (!begin(&digest, kernel))
        return 0;
    gost_digest_update(&digest, first, first_size);
    gost_digest_update(&digest, second, second_size);
    finish(&digest, out);
    end(&digest);
    return 1;
}

int gost_digest_of(const char *kernel_name, const uint8_t *data, size_t size,
                   uint8_t out[GOST_DIGEST_SIZE])
{
    const digest_kernel *kernel = find(kernel_name);
    return kernel != NULL && digest_parts(kernel, data, size, NULL, 0, out);
}

/* pad = key ^ byte, for a key that is not longer than a block. */
static void fill_pad(uint8_t pad[DIGEST_BLOCK], const uint8_t key[DIGEST_BLOCK], uint8_t byte)
{
    for (int i = 0; i < DIGEST_BLOCK; i++)
        pad[i] = key[i] ^ byte;
}

int gost_hmac(const char *kernel_name, const uint8_t *key, size_t key_size, const uint8_t *data,
              size_t size, uint8_t out[GOST_DIGEST_SIZE])
{
    const digest_kernel *kernel = find(kernel_name);
    uint8_t block[DIGEST_BLOCK] = {0}, pad[DIGEST_BLOCK];
    int done = kernel != NULL;
    if (key_size > DIGEST_BLOCK)
        done = done && digest_parts(kernel, key, key_size, NULL, 0, block);
    else if (key_size > 0)
        memcpy(block, key, key_size);
    fill_pad(pad, block, 0x36);
    done = done && digest_parts(kernel, pad, DIGEST_BLOCK, data, size, out);
    fill_pad(pad, block, 0x5c);
    done = done && digest_parts(kernel, pad, DIGEST_BLOCK, out, GOST_DIGEST_SIZE, out);
    gost_wipe(block, sizeof block);
    gost_wipe(pad, sizeof pad);
    return done;
}

int gost_digest_foreign(const char *name, const uint8_t *data, size_t size,
                        uint8_t out[GOST_DIGEST_SIZE])
{
    int algorithm = gcry_md_map_name(name);
    gcry_md_hd_t digest;
    if (gcry_md_get_algo_dlen(algorithm) != GOST_DIGEST_SIZE ||
        gcry_md_open(&digest, algorithm, 0) != 0)
        return 0;
    gcry_md_write(digest, data, size);
    memcpy(out, gcry_md_read(digest, algorithm), GOST_DIGEST_SIZE);
    gcry_md_close(digest);
    return 1;
}
