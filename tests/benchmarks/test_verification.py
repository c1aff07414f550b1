"""The costs of a verification are measured with messages that hold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from benchmarks.verification import Bench, measure
from tests.support.pki import authority
from tunnel_gateway.pki.trust.validation import ChainValidator


def test_every_figure_is_there() -> None:
    figures = measure(unseen=2, repeats=2, large=1)
    assert list(figures) == ["seen signer, ms", "unseen signer, ms", "1 MiB, MB/s", "1 MiB, copies"]
    assert all(figure > 0 for name, figure in figures.items() if "copies" not in name)


def test_a_message_that_does_not_hold_is_not_measured() -> None:
    bench = Bench(datetime.now(UTC))
    with pytest.raises(ValueError, match="does not hold: PATH"):
        bench.verify(bench.message(), ChainValidator([authority().root.leaf]))
