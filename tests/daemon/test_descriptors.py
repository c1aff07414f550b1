"""Getting the descriptors that the tunnels need, up to the hard limit."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from tunnel_gateway.daemon import descriptors
from tunnel_gateway.daemon.descriptors import Needed


@pytest.fixture(autouse=True)
def _few() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[0] // 2, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def soft() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_those_of_all_services_and_some_more() -> None:
    needed = [Needed("tunnel.limit", 10_000, 2, beside=7), Needed("listen.limit", 1_000, 1)]
    assert descriptors.total(needed) == 21_107


def test_the_soft_limit_is_raised() -> None:
    wanted = soft() + 1
    descriptors.ask_for(wanted)
    assert soft() == wanted


def test_what_is_there_stays() -> None:
    before = soft()
    descriptors.ask_for(1)
    assert soft() == before


def test_the_hard_limit_holds() -> None:
    descriptors.ask_for(descriptors.most() + 1)
    assert soft() == descriptors.most()


def test_a_system_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    before = soft()
    with monkeypatch.context() as patched:
        patched.setattr(resource, "setrlimit", refuse)
        descriptors.ask_for(before + 1)
    assert soft() == before
