"""The cffi build of the data plane (API mode: declarations are checked by the compiler)."""

from __future__ import annotations

from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
GOST = ROOT / "tunnel_gateway" / "gost" / "_native"
SOURCES = (
    "plane.c",
    "pool.c",
    "worker.c",
    "commands.c",
    "tunnel.c",
    "receiving.c",
    "ending.c",
    "records.c",
    "stp_tunnel.c",
    "stp_part.c",
    "stp_frames.c",
    "endpoint.c",
    "page_frames.c",
    "timers.c",
    "system.c",
)
# The records need these; the extension has its own copy, so that it needs no symbol of another.
GOST_SOURCES = (
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
    "hkdf.c",
    "digest.c",
    "digest_avx2.c",
    "digest_avx512.c",
)
HEADERS = ("plane.h",)
WARNINGS = ("-Wall", "-Wextra", "-Werror")

ffibuilder = FFI()

ffibuilder.cdef(
    """
    typedef ... plane;
    typedef ... tunnel;
    typedef struct {
        const uint8_t *data;
        size_t size;
    } plane_bytes;

    enum {
        PLANE_ALERT_PROTOCOL_ERROR,
        PLANE_ALERT_BAD_RECORD,
        PLANE_ALERT_TIMED_OUT,
        PLANE_ALERT_SOCKET_LOST,
        PLANE_ALERT_OVERLOADED,
        PLANE_ALERTS
    };
    enum {
        PLANE_RUNNING,
        PLANE_COMPLETED,
        PLANE_PEER_LEFT,
        PLANE_PEER_LOST,
        PLANE_SOCKET_LOST,
        PLANE_TRUNCATED,
        PLANE_BAD_RECORD,
        PLANE_ALERT,
        PLANE_IDLE,
        PLANE_HALF_CLOSE,
        PLANE_LIFETIME,
        PLANE_STOPPED,
        PLANE_OVERLOADED,
        PLANE_UNKNOWN_TYPE,
        PLANE_RECORD_SIZE,
        PLANE_OUT_OF_PLACE,
        PLANE_UNKNOWN_CONTENT,
        PLANE_EMPTY_DATA,
        PLANE_CLOSE_PAYLOAD,
        PLANE_ALERT_LENGTH,
        PLANE_STP_CHECKSUM,
        PLANE_STP_COUNTER,
        PLANE_STP_LENGTH,
        PLANE_STP_SPENT
    };
    enum { PLANE_OPEN, PLANE_LOCAL_CLOSED, PLANE_REMOTE_CLOSED, PLANE_CLOSED };
    enum {
        PLANE_STEP_HELLO,
        PLANE_STEP_HANDSHAKE,
        PLANE_STEP_DATA,
        PLANE_STEP_CLOSE,
        PLANE_STEP_ALERT,
        PLANE_STEP_CLEAR_ALERT
    };
    typedef struct {
        int reason, detail, number;
        size_t size;
        uint8_t body[257];
    } tunnel_ending;
    typedef struct {
        uint8_t up_place[48], down_place[48];
        uint64_t up_frames, down_frames;
        uint64_t up_payload, up_padding;
        plane_bytes up_header, up_block;
        uint32_t max_blocks;
        int acknowledge;
        uint64_t hold_ns;
    } plane_stp;
    typedef struct {
        uint64_t id;
        int client, socket;
        uint8_t up_secret[32], down_secret[32];
        uint32_t up_left, down_left;
        int peer_closed;
        plane_bytes begun;
        plane_bytes up, down;
        uint64_t idle_ns, half_close_ns, lifetime_ns, bandwidth;
        int page;
        plane_bytes page_close;
        const plane_stp *stp;
    } tunnel_spec;
    typedef struct {
        uint64_t id;
        int ended, closed;
    } plane_news;
    typedef struct {
        uint64_t tunnels, wakeups, turns, bytes_up, bytes_down, busy_ns;
    } worker_figures;

    plane *plane_new(size_t workers, const plane_bytes *alerts);
    void plane_free(plane *);
    tunnel *plane_add(plane *, const tunnel_spec *);
    int plane_stop(plane *, tunnel *, plane_bytes alert);
    int plane_farewell(plane *, tunnel *, plane_bytes last);
    void tunnel_release(plane *, tunnel *);
    int plane_news_fd(const plane *);
    size_t plane_take_news(plane *, plane_news *, size_t room);
    void tunnel_end(const tunnel *, tunnel_ending *);
    int tunnel_page_state(const tunnel *);
    void tunnel_counts(const tunnel *, uint64_t *up, uint64_t *down);
    size_t plane_workers(const plane *);
    void plane_figures(const plane *, size_t worker, worker_figures *);
    """
)


def _relative(path: Path) -> str:
    """Return the path as setuptools wants it: relative to the folder of setup.py."""
    return str(path.relative_to(ROOT))


ffibuilder.set_source(
    "tunnel_gateway.dataplane._native._plane",
    "\n".join(f'#include "{header}"' for header in HEADERS),
    sources=[_relative(HERE / name) for name in SOURCES]
    + [_relative(GOST / name) for name in GOST_SOURCES],
    depends=[_relative(header) for folder in (HERE, GOST) for header in sorted(folder.glob("*.h"))],
    include_dirs=[_relative(HERE), _relative(GOST)],
    libraries=["gcrypt", "pthread"],
    extra_compile_args=["-O3", *WARNINGS],
)
