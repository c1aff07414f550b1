"""docs/verification.md says what the code does: the steps, their order, and which fault counts."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

from tunnel_gateway.cms import judging
from tunnel_gateway.cms.judging import MAX_AHEAD
from tunnel_gateway.cms.signed_data import MAX_TIME_STAMPS
from tunnel_gateway.cms.verdicts import MOST_BASIC_FIRST, Step
from tunnel_gateway.rest.statuses import OF_PHONES, Reason, status_of

PAGE = (Path(__file__).parents[2] / "docs" / "verification.md").read_text()
STEPS = re.findall(r"^\| (\d) \| (\w+) \| .+ \| (-\d+) \|$", PAGE, re.MULTILINE)
RANKS = re.findall(r"^\| (\d) \| (-\d+) \| (.+) \|$", PAGE, re.MULTILINE)


def test_the_steps_are_those_of_the_code() -> None:
    assert [(int(number), name) for number, name, _ in STEPS] == [
        (step.value, step.name.lower()) for step in Step
    ]
    stated = re.findall(r"^(\d)\. ([A-Z_]+):", judging.__doc__ or "", re.MULTILINE)
    assert [(int(number), name) for number, name in stated] == [
        (step.value, step.name) for step in Step
    ]


def test_the_most_basic_fault_is_that_of_the_code() -> None:
    assert [int(rank) for rank, *_ in RANKS] == list(range(1, len(RANKS) + 1))
    status = {name: int(number) for _, name, number in STEPS}
    of_steps = [status[step.name.lower()] for step in MOST_BASIC_FIRST]
    ranked = [int(number) for _, number, _ in RANKS]
    assert [number for number, _ in groupby(of_steps)] == ranked[:6]
    for _, number, text in RANKS:
        for first, last in re.findall(r"steps? (\d)(?: (?:to|and) (\d))?", text):
            for step in range(int(first), int(last or first) + 1):
                assert status[Step(step).name.lower()] == int(number)


def test_the_statuses_are_those_of_the_service() -> None:
    verdicts = [
        status_of(reason)
        for reason in Reason
        if -100 < status_of(reason) < 0
        and reason not in OF_PHONES | {Reason.CHALLENGE_UNKNOWN, Reason.SIGNING_TIME_OFF}
    ]
    assert [number for number, _ in groupby(verdicts)] == [int(number) for _, number, _ in RANKS]


def test_the_figures_are_those_of_the_code() -> None:
    assert MAX_TIME_STAMPS == 4
    assert "At most\nfour time stamps" in PAGE
    assert MAX_AHEAD.total_seconds() == 5 * 60
    assert "five minutes ahead" in PAGE
