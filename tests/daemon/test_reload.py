"""Reloads in this process, of numbers in files; tests/scenarios/test_reload.py uses signals."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.support.log_lines import read_records
from tests.support.loopback import TIME_LIMIT
from tunnel_gateway.daemon.reload import Reloader
from tunnel_gateway.errors import ConfigError, Fault, FileError
from tunnel_gateway.observability import background
from tunnel_gateway.observability.background import keep_running
from tunnel_gateway.transport.system.systemd import Notifier


class Numbers:
    """Loads the number in ``file``. The first line of ``config`` names that file, if there is one.

    The interval between looks at the files is the second line.
    """

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config"
        self.file = folder / "numbers" / "number"
        self.file.parent.mkdir()
        self.file.write_text("1")
        self.write(self.file.parent)
        self.used = [1]
        self.changed = asyncio.Event()
        self.mistake: Exception | None = None

    def write(self, watched: Path, interval: float = 0.0) -> None:
        self.config.write_text(f"{watched}\n{interval}")

    def load(self, before: int, watch: Callable[[Iterable[Path]], None]) -> int:
        assert before == self.used[-1]
        if self.mistake is not None:
            raise self.mistake
        watch(self.files(before))
        watched = Path(self.config.read_text().splitlines()[0])
        file = watched / "number" if watched.is_dir() else watched
        try:
            return int(file.read_text())
        except (OSError, ValueError):
            raise FileError(f"{file}: not a number") from None

    def files(self, _: int) -> tuple[Path, ...]:
        return self.config, Path(self.config.read_text().splitlines()[0])

    def interval(self, _: int) -> float:
        return float(self.config.read_text().splitlines()[1])

    def changes(self, before: int, after: int) -> dict[str, object]:
        return {"renewed": [str(before)], "domains": [str(after)]}

    def current(self) -> int:
        return self.used[-1]

    def use(self, number: int) -> None:
        self.used.append(number)
        self.changed.set()

    def reloader(self) -> Reloader[int]:
        return Reloader(self, self.current, self.use, Notifier({}))


@pytest.fixture
async def numbers(tmp_path: Path) -> Numbers:
    return Numbers(tmp_path)


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return read_records(log.getvalue())


async def test_what_is_good_is_used(numbers: Numbers, log: io.StringIO) -> None:
    numbers.file.write_text("2")
    assert await numbers.reloader().reload()
    assert numbers.used == [1, 2]
    (line,) = lines(log)
    assert (line["event"], line["renewed"], line["domains"]) == ("reloaded", ["1"], ["2"])


async def test_what_is_not_changes_nothing(numbers: Numbers, log: io.StringIO) -> None:
    numbers.file.write_text("nothing")
    assert not await numbers.reloader().reload()
    assert numbers.used == [1]
    (line,) = lines(log)
    assert line["event"] == "reload_refused"
    assert str(numbers.file) in str(line["detail"])


async def test_every_fault_of_a_configuration_has_its_line(
    numbers: Numbers, log: io.StringIO
) -> None:
    numbers.mistake = ConfigError([Fault("too large", "a"), Fault("too small", "b")])
    assert not await numbers.reloader().reload()
    assert [line["detail"] for line in lines(log)] == ["a: too large", "b: too small"]


async def test_a_mistake_of_ours_does_not_end_it(numbers: Numbers, log: io.StringIO) -> None:
    reloader = numbers.reloader()
    numbers.mistake = ZeroDivisionError()
    assert not await reloader.reload()
    assert lines(log)[0]["event"] == "internal_error"
    numbers.mistake = None
    assert await reloader.reload()
    assert len(numbers.used) == 2


async def test_a_request_succeeds_after_one_whose_result_could_not_be_used(
    numbers: Numbers, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "FIRST_DELAY_SECONDS", 0.001)
    results: list[bool] = []
    told = asyncio.Event()

    def use(number: int) -> None:
        if not results:
            raise ValueError("nonsense")
        numbers.use(number)

    def note(value: bool) -> None:
        results.append(value)
        told.set()

    reloader = Reloader(numbers, numbers.current, use, Notifier({}), done=note)
    running = keep_running("reload", reloader.round)
    async with asyncio.timeout(TIME_LIMIT):
        for _ in range(2):
            told.clear()
            reloader._asked.set()
            await told.wait()
    running.cancel()
    assert results == [False, True]
    assert len(numbers.used) == 2
    assert [line["event"] for line in lines(log)] == ["background_failed", "reloaded"]


async def test_it_waits_until_files_are_the_same_at_two_looks(numbers: Numbers) -> None:
    numbers.write(numbers.file.parent, interval=0.02)
    reloader = numbers.reloader()
    looks: list[dict[Path, object]] = []
    look = reloader._look

    def changing() -> dict[Path, tuple[int, int, int]]:
        if 0 < len(looks) < 4:  # somebody is still writing
            numbers.file.write_text("2" * len(looks))
        looks.append(dict(look()))
        return look()

    reloader._look = changing  # type: ignore[method-assign]  # a slow copy, step by step
    running = keep_running("reload", reloader.round)
    async with asyncio.timeout(TIME_LIMIT):
        await numbers.changed.wait()
    running.cancel()
    assert len(looks) > 4
    assert numbers.used == [1, 222]


async def test_links_that_go_round(numbers: Numbers) -> None:
    for name in ("a", "b", ".c"):
        (numbers.file.parent / name).symlink_to(numbers.file.parent)
    seen = numbers.reloader()._look()
    assert len(seen) < 100
    assert not any(path.name == ".c" for path in seen)


async def test_files_of_a_configuration_that_was_refused_are_looked_at(
    numbers: Numbers, tmp_path: Path
) -> None:
    reloader = numbers.reloader()
    other = tmp_path / "other"
    other.write_text("nothing yet")
    numbers.write(other)
    assert not await reloader.reload()
    before = reloader._look()
    other.write_text("a number of more digits")
    assert reloader._look()[other] != before[other]


async def test_a_file_that_changes_while_it_is_read_counts_as_changed(numbers: Numbers) -> None:
    reloader = numbers.reloader()
    load = numbers.load

    def slow(before: int, watch: Callable[[Iterable[Path]], None]) -> int:
        number = load(before, watch)
        numbers.file.write_text("22")
        return number

    numbers.load = slow  # type: ignore[method-assign]
    assert await reloader.reload()
    assert reloader._look()[numbers.file] != reloader._used[numbers.file]


async def test_files_in_folders_count(numbers: Numbers) -> None:
    reloader = numbers.reloader()
    before = reloader._look()
    assert numbers.config in before
    numbers.file.chmod(0o400)
    after = reloader._look()
    assert {path for path in after if after[path] != before[path]} == {numbers.file}
