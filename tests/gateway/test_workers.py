from __future__ import annotations

import threading

from tunnel_gateway.gateway.workers import Workers


def test_what_waits_is_counted() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait()

    with Workers() as workers:
        assert workers.waiting == 0
        workers.submit(work)
        begun.wait()
        later = [workers.submit(int) for _ in range(3)]
        assert workers.waiting == 3
        go_on.set()
        assert [one.result() for one in later] == [0, 0, 0]
        assert workers.waiting == 0
