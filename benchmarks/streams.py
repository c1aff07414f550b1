"""``python -m benchmarks.streams``: the cipher streams by each kernel, beside libgcrypt.

A figure is MB/s of one core, in pieces of 64 KiB, the best of many turns. All that is measured
takes its turn in each of them, so that a disturbance of the machine affects everything. libgcrypt
looks secrets up in tables; our kernels do not.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from typing import Final

from tests.interop.libgcrypt import CIPHER_MODE_CFB, CIPHER_MODE_OFB, Libgcrypt
from tunnel_gateway.gost.cipher import kernel_names
from tunnel_gateway.gost.streams import Mode, ParamSet, Stream

SIZE: Final = 64 * 1024
SBOX_OID: Final = "1.2.643.2.2.31.1"
LIBGCRYPT: Final = "libgcrypt"
_ROWS: Final = (
    *(f"{mode.name} encryption" for mode in Mode),
    f"{Mode.CFB.name} decryption",
    f"{Mode.GCFB.name} decryption",
)


def _ours(kernel: str, row: str, key: bytes, iv: bytes) -> Callable[[bytes], object]:
    mode, direction = row.split()
    stream = Stream(ParamSet.CRYPTOPRO_A, Mode[mode], key, iv, kernel=kernel)
    return stream.encrypt if direction == "encryption" else stream.decrypt


def _libgcrypts(mode: int, key: bytes, iv: bytes) -> Callable[[bytes], object]:
    libgcrypt = Libgcrypt()
    return lambda data: libgcrypt.encrypt_stream(mode, SBOX_OID, key, iv, data)


def measure(turns: int) -> dict[tuple[str, str], float]:
    """Return MB/s by the row and by the kernel."""
    key, iv, data = os.urandom(32), os.urandom(8), bytes(SIZE)
    calls = {
        (row, kernel): _ours(kernel, row, key, iv) for row in _ROWS for kernel in kernel_names()
    }
    calls[_ROWS[Mode.CFB], LIBGCRYPT] = _libgcrypts(CIPHER_MODE_CFB, key, iv)
    calls[_ROWS[Mode.OFB], LIBGCRYPT] = _libgcrypts(CIPHER_MODE_OFB, key, iv)
    best = dict.fromkeys(calls, 0.0)
    for _ in range(turns):
        for name, call in calls.items():
            started = time.perf_counter()
            call(data)
            best[name] = max(best[name], SIZE / (time.perf_counter() - started) / 1e6)
    return best


def table(best: dict[tuple[str, str], float]) -> str:
    """Return the figures as Markdown."""
    columns = (*kernel_names(), LIBGCRYPT)
    lines = [
        f"| MB/s | {' | '.join(columns)} |",
        f"|---|{'---:|' * len(columns)}",
    ]
    for row in _ROWS:
        figures = (best.get((row, column)) for column in columns)
        lines.append(f"| {row} | {' | '.join(f'{one:,.0f}' if one else '' for one in figures)} |")
    serial = (_ROWS[Mode.CFB], _ROWS[Mode.OFB])
    for row in serial:
        ratios = (best[row, column] / best[row, LIBGCRYPT] for column in columns)
        lines.append(f"| {row}, to libgcrypt | {' | '.join(f'{one:.2f}×' for one in ratios)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams", description=__doc__)
    parser.add_argument("--turns", type=int, default=200, help="turns of everything")
    print(table(measure(parser.parse_args(arguments).turns)))


if __name__ == "__main__":
    main()
