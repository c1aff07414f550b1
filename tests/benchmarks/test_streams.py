"""The measure of the cipher streams: every kernel has its figures, and libgcrypt those it can."""

from __future__ import annotations

import pytest

from benchmarks.streams import LIBGCRYPT, main, measure, table
from tunnel_gateway.gost.cipher import kernel_names


def test_a_short_measure() -> None:
    best = measure(turns=1)
    assert len(best) == 7 * len(kernel_names()) + 2
    assert all(figure > 0 for figure in best.values())
    assert [row for row, kernel in best if kernel == LIBGCRYPT] == [
        "CFB encryption",
        "OFB encryption",
    ]


def test_the_table_has_a_ratio_where_libgcrypt_has_a_figure() -> None:
    best = dict.fromkeys(measure(turns=1), 1234.0)
    lines = table(best).splitlines()
    columns = len(kernel_names()) + 1
    assert all(line.count("|") == columns + 2 for line in lines)
    assert lines[-2:] == [
        f"| {row}, to libgcrypt |{' 1.00× |' * columns}"
        for row in ("CFB encryption", "OFB encryption")
    ]
    assert lines[2] == f"| CFB encryption |{' 1,234 |' * columns}"


def test_the_program_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--turns", "1"])
    printed = capsys.readouterr().out
    assert printed.startswith("| MB/s | ")
