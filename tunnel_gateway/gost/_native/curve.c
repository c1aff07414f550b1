#include "curve.h"

#include <gcrypt.h>
#include <string.h>

/* libgcrypt takes its constant-time ladder for scalars that it finds in secure memory. */
#define SECURE_MEMORY 65536

int gost_curve_initialize(void)
{
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
        return 1;
    if (gcry_check_version("1.10.0") == NULL)
        return 0;
    gcry_control(GCRYCTL_SUSPEND_SECMEM_WARN);
    gcry_control(GCRYCTL_AUTO_EXPAND_SECMEM, (unsigned)SECURE_MEMORY);
    gcry_control(GCRYCTL_INIT_SECMEM, SECURE_MEMORY, 0);
    gcry_control(GCRYCTL_RESUME_SECMEM_WARN);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    return 1;
}

typedef struct {
    gcry_ctx_t context;
    gcry_mpi_t order;
    gcry_mpi_point_t base;
} group;

static int group_open(group *group, const char *curve)
{
    memset(group, 0, sizeof *group);
    if (gcry_mpi_ec_new(&group->context, NULL, curve) != 0)
        return 0;
    group->order = gcry_mpi_ec_get_mpi("n", group->context, 1);
    group->base = gcry_mpi_ec_get_point("g", group->context, 1);
    return group->order != NULL && group->base != NULL;
}

static void group_close(group *group)
{
    gcry_mpi_release(group->order);
    gcry_mpi_point_release(group->base);
    gcry_ctx_release(group->context);
}

static gcry_mpi_t number(const uint8_t *bytes, size_t size)
{
    gcry_mpi_t value = NULL;
    gcry_mpi_scan(&value, GCRYMPI_FMT_USG, bytes, size, NULL);
    return value;
}

static gcry_mpi_t secret_number(const uint8_t bytes[32])
{
    gcry_mpi_t value = number(bytes, 32);
    gcry_mpi_set_flag(value, GCRYMPI_FLAG_SECURE);
    return value;
}

static gcry_mpi_point_t affine_point(const uint8_t bytes[64])
{
    gcry_mpi_t x = number(bytes, 32), y = number(bytes + 32, 32), z = gcry_mpi_set_ui(NULL, 1);
    return gcry_mpi_point_snatch_set(NULL, x, y, z);
}

static void store(uint8_t out[32], gcry_mpi_t value)
{
    size_t size = 0;
    uint8_t digits[32];
    gcry_mpi_print(GCRYMPI_FMT_USG, digits, sizeof digits, &size, value);
    memset(out, 0, 32 - size);
    memcpy(out + 32 - size, digits, size);
}

static int store_point(uint8_t out[64], gcry_mpi_point_t point, group *group)
{
    gcry_mpi_t x = gcry_mpi_new(256), y = gcry_mpi_new(256);
    int finite = gcry_mpi_ec_get_affine(x, y, point, group->context) == 0;
    if (finite) {
        store(out, x);
        store(out + 32, y);
    }
    gcry_mpi_release(x);
    gcry_mpi_release(y);
    return finite;
}

/* product = scalar * point; takes the scalar and the point over. point NULL: the base point. */
static int multiply(group *group, gcry_mpi_t scalar, gcry_mpi_point_t point, uint8_t product[64])
{
    gcry_mpi_point_t result = gcry_mpi_point_new(0);
    gcry_mpi_ec_mul(result, scalar, point ? point : group->base, group->context);
    int finite = store_point(product, result, group);
    gcry_mpi_point_release(result);
    gcry_mpi_point_release(point);
    gcry_mpi_release(scalar);
    return finite;
}

int gost_curve_multiply(const char *curve, const uint8_t scalar[32], const uint8_t point[64],
                        uint8_t product[64])
{
    group group;
    int done = group_open(&group, curve) &&
               multiply(&group, secret_number(scalar), affine_point(point), product);
    group_close(&group);
    return done;
}

int gost_curve_multiply_base(const char *curve, const uint8_t scalar[32], uint8_t product[64])
{
    group group;
    int done = group_open(&group, curve) &&
               multiply(&group, secret_number(scalar), NULL, product);
    group_close(&group);
    return done;
}

int gost_curve_agree(const char *curve, const uint8_t d[32], const uint8_t ukm[8],
                     const uint8_t point[64], uint8_t shared[64])
{
    group group;
    int done = group_open(&group, curve);
    if (done) {
        gcry_mpi_t scalar = secret_number(d), factor = number(ukm, 8);
        gcry_mpi_mulm(scalar, scalar, factor, group.order);
        gcry_mpi_release(factor);
        done = multiply(&group, scalar, affine_point(point), shared);
    }
    group_close(&group);
    return done;
}

int gost_curve_sign(const char *curve, const uint8_t d[32], const uint8_t e[32],
                    const uint8_t k[32], uint8_t signature[64])
{
    group group;
    uint8_t product[64];
    int done = group_open(&group, curve) &&
               multiply(&group, secret_number(k), NULL, product);
    if (done) {
        gcry_mpi_t r = number(product, 32), s = secret_number(d), nonce = secret_number(k);
        gcry_mpi_t hash = number(e, 32);
        gcry_mpi_mod(r, r, group.order);
        gcry_mpi_mulm(s, s, r, group.order);
        gcry_mpi_mulm(nonce, nonce, hash, group.order);
        gcry_mpi_addm(s, s, nonce, group.order);
        done = gcry_mpi_cmp_ui(r, 0) != 0 && gcry_mpi_cmp_ui(s, 0) != 0;
        store(signature, s);
        store(signature + 32, r);
        gcry_mpi_release(r);
        gcry_mpi_release(s);
        gcry_mpi_release(nonce);
        gcry_mpi_release(hash);
    }
    group_close(&group);
    return done;
}

/* RFC 5832, section 6.2: C = z1 P + z2 Q, and its x is r modulo the order. */
static int verify(group *group, gcry_mpi_point_t public_key, gcry_mpi_t e, gcry_mpi_t s,
                  gcry_mpi_t r)
{
    if (gcry_mpi_cmp_ui(r, 0) == 0 || gcry_mpi_cmp(r, group->order) >= 0 ||
        gcry_mpi_cmp_ui(s, 0) == 0 || gcry_mpi_cmp(s, group->order) >= 0)
        return 0;
    gcry_mpi_t v = gcry_mpi_new(256), z1 = gcry_mpi_new(256), z2 = gcry_mpi_new(256);
    gcry_mpi_point_t left = gcry_mpi_point_new(0), right = gcry_mpi_point_new(0);
    gcry_mpi_invm(v, e, group->order);
    gcry_mpi_mulm(z1, s, v, group->order);
    gcry_mpi_mulm(z2, r, v, group->order);
    gcry_mpi_sub(z2, group->order, z2);
    gcry_mpi_ec_mul(left, z1, group->base, group->context);
    gcry_mpi_ec_mul(right, z2, public_key, group->context);
    gcry_mpi_ec_add(left, left, right, group->context);
    int equal = gcry_mpi_ec_get_affine(v, NULL, left, group->context) == 0;
    if (equal) {
        gcry_mpi_mod(v, v, group->order);
        equal = gcry_mpi_cmp(v, r) == 0;
    }
    gcry_mpi_point_release(left);
    gcry_mpi_point_release(right);
    gcry_mpi_release(v);
    gcry_mpi_release(z1);
    gcry_mpi_release(z2);
    return equal;
}

int gost_curve_verify(const char *curve, const uint8_t point[64], const uint8_t e[32],
                      const uint8_t signature[64])
{
    group group;
    int valid = group_open(&group, curve);
    if (valid) {
        gcry_mpi_point_t public_key = affine_point(point);
        gcry_mpi_t hash = number(e, 32), s = number(signature, 32), r = number(signature + 32, 32);
        valid = verify(&group, public_key, hash, s, r);
        gcry_mpi_point_release(public_key);
        gcry_mpi_release(hash);
        gcry_mpi_release(s);
        gcry_mpi_release(r);
    }
    group_close(&group);
    return valid;
}
