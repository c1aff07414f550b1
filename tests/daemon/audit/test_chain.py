"""The chain of the audit file: every change of its lines shows."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel_gateway.daemon.audit.chain import (
    MAX_LINE,
    START,
    ChainReader,
    Head,
    describe_torn,
    make_record,
)
from tunnel_gateway.errors import AuditChainError
from tunnel_gateway.gost.digest import digest

OWN = {"number", "previous", "torn"}  # of the chain, and names of no fact
FACTS = st.dictionaries(
    st.text(max_size=8).filter(lambda name: name not in OWN),
    st.text(max_size=20) | st.integers(),
    max_size=3,
)


def chain(facts: Iterable[dict[str, object]], head: Head = START) -> tuple[list[bytes], Head]:
    lines = []
    for one in facts:
        line, head = make_record(head, one)
        lines.append(line.removesuffix(b"\n"))
    return lines, head


def read(lines: Iterable[bytes]) -> ChainReader:
    reader = ChainReader()
    reader.begin_file()
    for line in lines:
        reader.read(line)
    reader.end_file()
    return reader


def fault(lines: Iterable[bytes]) -> AuditChainError:
    with pytest.raises(AuditChainError) as caught:
        read(lines)
    return caught.value


SIX, END = chain({"event": "opened", "name": f"O‘KTAM {n}"} for n in range(6))


def test_a_record_and_its_hash() -> None:
    line, head = make_record(START, {"event": "start", "name": "O‘KTAM"})
    assert line.decode() == (
        f'{{"number": 1, "previous": "{"0" * 64}", "event": "start", "name": "O‘KTAM"}}\n'
    )
    assert head == Head(1, digest(bytes(32) + line[:-1]))
    assert str(head) == f"1 {head.hash.hex()}"


@given(st.lists(FACTS, max_size=5))
def test_what_was_written_is_read(facts: list[dict[str, object]]) -> None:
    lines, head = chain(one for one in facts if not {"number", "previous", "torn"} & one.keys())
    reader = read(lines)
    assert (reader.head or START, reader.records) == (head, len(lines))


def test_no_text_breaks_a_line_or_makes_it_endless() -> None:
    line, _ = make_record(START, {"a": "\n\r\0\u2028\udc80\x85", "b": "\U0001f600" * 10**6})
    assert line.count(b"\n") == 1
    assert json.loads(line)["a"] == "\n\r\0\u2028\udc80\x85"
    assert len(line) < 10_000
    many, _ = make_record(START, {str(n): "\0" * 10**6 for n in range(20)})
    assert len(many) < MAX_LINE


@given(st.integers(0, 4), st.data())
def test_an_edited_line_is_found(index: int, data: st.DataObject) -> None:
    line = bytearray(SIX[index])
    line[data.draw(st.integers(0, len(line) - 1))] ^= data.draw(st.integers(1, 255))
    edited = [*SIX[:index], bytes(line), *SIX[index + 1 :]]
    # The fault is in the line itself. If the line still looks like a record, the next line, which
    # has its hash, shows the fault.
    assert fault(edited).line in (index + 1, index + 2)


@given(st.integers(0, 4))
def test_a_dropped_line_is_found(index: int) -> None:
    dropped = [*SIX[:index], *SIX[index + 1 :]]
    if index == 0:  # the file may begin anywhere, but the number of its first record is told
        assert read(dropped).records == 5
    else:
        assert fault(dropped).line == index + 1


@given(st.integers(0, 5), st.integers(0, 5))
def test_exchanged_lines_are_found(one: int, other: int) -> None:
    if one == other:
        return
    swapped = list(SIX)
    swapped[one], swapped[other] = swapped[other], swapped[one]
    first = min(one, other) + 1
    assert fault(swapped).line in (first, first + 1)


@given(st.integers(1, 6), st.binary(max_size=64) | st.sampled_from(SIX))
def test_an_inserted_line_is_found(index: int, line: bytes) -> None:
    # If the line equals the next line, the fault is in the second of the two.
    assert fault([*SIX[:index], line, *SIX[index:]]).line in (index + 1, index + 2)


@given(st.integers(1, 6), FACTS)
def test_an_inserted_record_that_fits_is_found_by_the_next(
    index: int, facts: dict[str, object]
) -> None:
    _, head = chain([{"event": "opened", "name": f"O‘KTAM {n}"} for n in range(index)])
    forged, _ = make_record(head, facts | {"event": "forged"})
    changed = [*SIX[:index], forged.removesuffix(b"\n"), *SIX[index:]]
    if index == 6:  # at the end only a hash that is kept elsewhere shows it
        assert read(changed).head != END
    else:
        assert fault(changed).line == index + 2


def test_a_cut_end_shows_in_the_head_alone() -> None:
    reader = read(SIX[:4])
    assert reader.head is not None
    assert (reader.head.number, reader.head == END) == (4, False)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"x",
        b"[1]",
        b"{}",
        b'{"previous": "", "number": 1}',
        b'{"number": true, "previous": "%s"}' % (b"0" * 64),
        b'{"number": 0, "previous": "%s"}' % (b"0" * 64),
        b'{"number": 1, "previous": 7}',
        b'{"number": 1, "previous": "%s"}' % (b"z" * 64),
        b'{"number": 1, "previous": "%s"}' % (b"A" * 64),
        b"[" * 100_000,
        b'"' + b"x" * MAX_LINE + b'"',
        b"\xff",
    ],
    ids=lambda line: line[:12],
)
def test_what_is_no_record(line: bytes) -> None:
    assert fault([line]).line == 1
    assert fault([*SIX, line]).line == 7


def torn(fragment: bytes, *, told: bytes | None = None) -> list[bytes]:
    """Half a line after the third record, and what goes on after it."""
    first, head = chain([{"event": "opened"}] * 3)
    after, _ = chain(
        [{"event": "start", "torn": describe_torn(fragment if told is None else told)}, {}], head
    )
    return [*first, fragment, *after]


@given(st.binary(min_size=1).filter(lambda line: b"\n" not in line))
def test_half_a_line_that_the_next_tells_of_is_in_order(fragment: bytes) -> None:
    reader = read(torn(fragment))
    assert (reader.records, reader.torn) == (5, 1)


def test_half_a_line_that_is_another_or_gone_is_not() -> None:
    assert fault(torn(b"half", told=b"hal")).line == 4
    lines = torn(b"half")
    assert fault([*lines[:3], *lines[4:]]).line == 4
    assert fault([*lines[:4], b"more", *lines[4:]]).line == 4
    assert fault([*SIX[:3], b"half", *SIX[3:]]).line == 4


def test_a_chain_over_files() -> None:
    reader = ChainReader()
    for part in (SIX[:2], SIX[2:5], SIX[5:]):
        reader.begin_file()
        for line in part:
            reader.read(line)
        reader.end_file()
    assert (reader.head, reader.records, reader.begun) == (END, 6, 0)
    reader.begin_file()
    for line in SIX:
        reader.read(line)
    assert (reader.head, reader.begun) == (END, 1)
    reader.begin_file()
    reader.read(SIX[3])
    with pytest.raises(AuditChainError):
        reader.end_file()
