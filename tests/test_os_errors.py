"""The system's errors as sentences."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tunnel_gateway.os_errors import ADVICE, sentence


@pytest.mark.parametrize("number", ADVICE)
def test_every_number_comes_with_advice(number: int) -> None:
    found = sentence(OSError(number, os.strerror(number), "a file"))
    assert found == f"{os.strerror(number)}; {ADVICE[number]}"
    assert "Errno" not in found


def test_a_real_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        (tmp_path / "none").open()
    assert sentence(caught.value) == "No such file or directory; check the path"


def test_others_keep_the_systems_words() -> None:
    assert sentence(OSError(errno.EPROTO, "Protocol error")) == "Protocol error"
    assert sentence(OSError("no way to ask")) == "no way to ask"
