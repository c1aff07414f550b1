"""The configuration file as such: that it is there, and that it is text."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.errors import ConfigError

TEXT = "tunnel.enabled=yes\n"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "config.properties"
    with pytest.raises(ConfigError) as caught:
        load_configuration(path)
    assert str(caught.value) == (
        f"{path}: cannot be read (No such file or directory): give the path of the configuration"
        " file, and let the user of this process read it"
    )


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        load_configuration(tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-be"),
        b"\xfe\xff",
        TEXT.encode() + b"\0",
        bytes(range(256)),
    ],
    ids=["UTF-16", "UTF-16 without a mark", "a mark alone", "NUL at the end", "binary"],
)
def test_a_file_that_is_not_text(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "config.properties"
    path.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load_configuration(path)
    (fault,) = caught.value.faults
    assert str(fault) == f"{path}: not a text file, or one in UTF-16: save it as text in UTF-8"


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize(("slashes", "faulty"), [("\\", True), ("\\\\", False), ("\\\\\\", True)])
def test_a_password_that_ends_in_a_backslash(
    tmp_path: Path, slashes: str, faulty: bool, end: str
) -> None:
    """In a properties file it joins the next line: a key would vanish into the password."""
    path = tmp_path / "config.properties"
    after = f"{end}tunnel.limit=5\n" if end else ""
    line = f"tunnel.servers.password=maxfiy{slashes}{after}"
    path.write_text(TEXT + line, encoding="utf-8", newline="")
    with pytest.raises(ConfigError) as caught:
        load_configuration(path)
    found = [str(fault) for fault in caught.value.faults if "backslash" in str(fault)]
    expected = (
        f"{path}:2: tunnel.servers.password: ends in a backslash, which joins the next line to it;"
        " a backslash of a password is written twice: \\\\"
    )
    assert found == ([expected] if faulty else [])
    assert "maxfiy" not in str(caught.value)
