from __future__ import annotations

from pathlib import Path

from tunnel_gateway.config.key_table import Key
from tunnel_gateway.config.reading import check_paths, collect, grouped, read_value, unknown_key
from tunnel_gateway.config.values import FOLDER, Entry, whole
from tunnel_gateway.errors import Fault

FILE = Path("/etc/a.properties")
NUMBER = Key("a.b", "b", whole(1, 9), "3", "How many.", "Few need more.")


def entry(line: int, key: str, value: str = "1") -> Entry:
    return Entry(FILE, line, key, value)


def texts(faults: list[Fault]) -> list[str]:
    return [str(fault).removeprefix(f"{FILE}:") for fault in faults]


def test_repeated_and_unknown_keys_are_faults() -> None:
    faults: list[Fault] = []
    known, again, strange = entry(1, "a.b"), entry(2, "a.b", "2"), entry(3, "x")
    entries = collect(
        [known, again, strange], lambda one: "unknown" if one.key == "x" else None, faults
    )
    assert entries == {"a.b": known, "x": strange}
    assert texts(faults) == ["2: a.b: given twice, first in line 1", "3: x: unknown"]


def test_the_nearest_key_is_named_without_regard_to_what_all_begin_with() -> None:
    assert unknown_key("a.lmit", ["a.limit", "a.rate"]) == "unknown key; did you mean a.limit?"
    assert unknown_key("a.zzz", ["limit", "rate"], "a.") == "unknown key"
    assert unknown_key("a.rat", ["limit", "rate"], "a.") == "unknown key; did you mean a.rate?"


def test_a_value_its_default_and_a_fault() -> None:
    faults: list[Fault] = []
    assert read_value(NUMBER, entry(1, "a.b", "7"), Path(), faults) == 7
    assert read_value(NUMBER, entry(1, "a.b", ""), Path(), faults) == 3
    assert read_value(NUMBER, None, Path(), faults) == 3
    assert not faults
    assert read_value(NUMBER, entry(1, "a.b", "x"), Path(), faults) is None
    assert texts(faults) == ["1: a.b: expected a whole number from 1 to 9, got 'x'"]


def test_a_missing_path_says_whether_it_is_the_default(tmp_path: Path) -> None:
    key = Key("a.dir", "dir", FOLDER, "none", "The folder.", "It is usual.")
    values = {"dir": tmp_path / "none"}
    faults: list[Fault] = []
    check_paths([key], values, {}, FILE, faults)
    check_paths([key], values, {"a.dir": entry(4, "a.dir", "none")}, FILE, faults)
    by_default, given = map(str, faults)
    assert by_default.endswith("(No such file or directory); this is the default")
    assert given.startswith(f"{FILE}:4: a.dir: ")
    assert given.endswith("(No such file or directory)")
    check_paths([key], {"dir": tmp_path}, {}, FILE, faults)
    assert len(faults) == 2


def test_groups() -> None:
    assert grouped({"a": 1, "b.c": 2, "b.d": 3}) == {"a": 1, "b": {"c": 2, "d": 3}}
