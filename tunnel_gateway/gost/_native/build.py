"""The cffi build of the C sources (API mode: declarations are checked by the compiler)."""

from __future__ import annotations

from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SOURCES = (
    "gost28147.c",
    "kernel.c",
    "kernel_avx512.c",
    "kernel_avx2.c",
    "kernel_neon.c",
    "kernel_portable.c",
    "kernel_few_avx512.c",
    "kernel_few_avx2.c",
    "kernel_few_neon.c",
    "kernel_few_portable.c",
    "mgm.c",
    "frames.c",
    "stream.c",
    "crc32c.c",
    "curve.c",
    "curve_a.c",
    "curve_b.c",
    "curve_c.c",
    "digest.c",
    "digest_avx2.c",
    "digest_avx512.c",
    "hkdf.c",
)
HEADERS = (
    "gost28147.h",
    "kernel.h",
    "mgm.h",
    "frames.h",
    "stream.h",
    "crc32c.h",
    "curve.h",
    "digest.h",
    "hkdf.h",
)
WARNINGS = ("-Wall", "-Wextra", "-Werror")

ffibuilder = FFI()

ffibuilder.cdef(
    """
    typedef ... gost28147;
    gost28147 *gost28147_new(const uint8_t *key, const uint8_t *sbox);
    void gost28147_free(gost28147 *);
    void gost28147_encrypt_blocks(const gost28147 *, const uint8_t *in, size_t, uint8_t *out);
    void gost28147_decrypt_blocks(const gost28147 *, const uint8_t *in, size_t, uint8_t *out);

    typedef ... magma_mgm;
    magma_mgm *magma_mgm_new(const char *kernel_name, const uint8_t *key);
    const char *magma_mgm_kernel(const magma_mgm *);
    void magma_mgm_free(magma_mgm *);
    void magma_encrypt_block(const magma_mgm *, const uint8_t *in, uint8_t *out);
    void magma_mgm_seal(const magma_mgm *, const uint8_t *nonce,
                        const uint8_t *associated, size_t associated_size,
                        const uint8_t *in, size_t size, uint8_t *out, uint8_t *tag);
    int magma_mgm_open(const magma_mgm *, const uint8_t *nonce,
                       const uint8_t *associated, size_t associated_size,
                       const uint8_t *in, size_t size, const uint8_t *tag, uint8_t *out);

    size_t kernel_names(const char **names, size_t size);

    typedef ... frames;
    typedef struct {
        size_t frames, taken, payload, last;
        int content, forged;
    } frames_opened;
    frames *frames_new(const char *kernel_name, const uint8_t *key, const uint8_t *iv);
    void frames_free(frames *);
    size_t frames_seal(frames *, uint8_t type, uint8_t content, const uint8_t *in, size_t size,
                       size_t max_payload, size_t max_frames, uint8_t *out);
    void frames_open(frames *, uint8_t type, uint8_t content, const uint8_t *in, size_t size,
                     size_t max_size, size_t max_frames, uint8_t *out, frames_opened *opened);

    enum { SBOX_TEST, SBOX_A, SBOX_B, SBOX_C, SBOX_D, SBOX_DIGEST_TEST, SBOX_DIGEST, ... };
    enum { STREAM_CFB, STREAM_OFB, STREAM_SIC, STREAM_GOFB, STREAM_GCFB, ... };
    typedef ... gost_stream;
    gost_stream *gost_stream_new(const char *kernel_name, unsigned sbox, unsigned mode,
                                 const uint8_t *key, const uint8_t *iv);
    #define STREAM_PLACE_SIZE 48
    void gost_stream_save(const gost_stream *, uint8_t *place);
    void gost_stream_free(gost_stream *);
    void gost_stream_encrypt(gost_stream *, const uint8_t *in, uint8_t *out, size_t blocks);
    void gost_stream_decrypt(gost_stream *, const uint8_t *in, uint8_t *out, size_t blocks);

    uint32_t crc32c(const uint8_t *data, size_t size);

    int gost_curve_initialize(void);
    int gost_curve_multiply(const char *curve, const uint8_t *scalar, const uint8_t *point,
                            uint8_t *product);
    int gost_curve_multiply_base(const char *curve, const uint8_t *scalar, uint8_t *product);
    int gost_curve_agree(const char *curve, const uint8_t *d, const uint8_t *ukm,
                         const uint8_t *point, uint8_t *shared);
    int gost_curve_sign(const char *curve, const uint8_t *d, const uint8_t *e, const uint8_t *k,
                        uint8_t *signature);
    int gost_curve_verify(const char *curve, const uint8_t *point, const uint8_t *e,
                          const uint8_t *signature);
    typedef ... gost_known_point;
    gost_known_point *gost_curve_know(const char *curve, const uint8_t *point);
    void gost_curve_forget(gost_known_point *);
    int gost_curve_verify_known(const gost_known_point *, const uint8_t *e,
                                const uint8_t *signature);

    typedef ... gost_digest;
    gost_digest *gost_digest_new(const char *kernel_name);
    gost_digest *gost_digest_copy(const gost_digest *);
    void gost_digest_free(gost_digest *);
    void gost_digest_update(gost_digest *, const uint8_t *data, size_t size);
    int gost_digest_final(const gost_digest *, uint8_t *out);
    int gost_digest_of(const char *kernel_name, const uint8_t *data, size_t size, uint8_t *out);
    int gost_hmac(const char *kernel_name, const uint8_t *key, size_t key_size,
                  const uint8_t *data, size_t size, uint8_t *out);
    int gost_digest_foreign(const char *name, const uint8_t *data, size_t size, uint8_t *out);
    int hkdf_expand_labels(const uint8_t *secret, const uint8_t *labels, size_t labels_size,
                           const uint8_t *context, size_t context_size,
                           uint8_t *out, size_t out_size);
    size_t gost_digest_kernels(const char **names, size_t size);
    """
)

ffibuilder.set_source(
    "tunnel_gateway.gost._native._gost",
    "\n".join(f'#include "{header}"' for header in HEADERS),
    # setuptools wants paths relative to the folder of setup.py.
    sources=[str((HERE / source).relative_to(ROOT)) for source in SOURCES],
    depends=[str(header.relative_to(ROOT)) for header in sorted(HERE.glob("*.h"))],
    include_dirs=[str(HERE.relative_to(ROOT))],
    libraries=["gcrypt"],
    extra_compile_args=["-O3", *WARNINGS],
)
