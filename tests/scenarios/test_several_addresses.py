"""An application at two addresses: one goes and comes back, and users always have the other."""

from __future__ import annotations

import socket
from collections.abc import Callable

from tests.support.credentials import Credentials
from tests.support.peer import Peer
from tests.support.processes import LOOPBACK, Gateway, ReservedPort
from tunnel_gateway.gateway.circuit import FAILURES_TO_OPEN

StartGateway = Callable[..., Gateway]


def test_one_goes_and_comes_back(start_gateway: StartGateway, credentials: Credentials) -> None:
    dead = ReservedPort()
    with socket.create_server((LOOPBACK, 0), backlog=100) as alive:
        gateway = start_gateway(
            destination_two_host=f"{LOOPBACK}:{dead.number}, {LOOPBACK}:{alive.getsockname()[1]}"
        )

        def open_one() -> None:
            with Peer.of(gateway, credentials, dst_id="two") as peer:
                peer.open()

        for _ in range(2 * FAILURES_TO_OPEN):  # each address has the first turn half of the time
            open_one()
        line = gateway.logged("destination_down", dst_id="two")
        assert line["address"] == f"{LOOPBACK}:{dead.number}"
        assert "refused" in line["detail"]
        with dead.listen(100) as back:
            gateway.logged("destination_up", dst_id="two", address=line["address"])
            back.accept()[0].close()  # the probe
            for _ in range(2):
                open_one()
            back.accept()[0].close()  # its turn
    events = [one["event"] for one in gateway.records()]
    assert (events.count("destination_down"), events.count("destination_up")) == (1, 1)
    dead.close()


def test_none_is_left(start_gateway: StartGateway, credentials: Credentials) -> None:
    dead = ReservedPort()
    gateway = start_gateway(destination_one_host=f"{LOOPBACK}:{dead.number}")
    for _ in range(FAILURES_TO_OPEN + 1):
        with Peer.of(gateway, credentials, dst_id="one") as peer:
            assert peer.alert() == "destination_unreachable"
    gateway.wait_for(
        lambda: any("down since" in one.get("detail", "") for one in gateway.records()),
        "a refusal that says since when",
    )
    with dead.listen(100):
        gateway.logged("destination_up", dst_id="one")
        with Peer.of(gateway, credentials, dst_id="one") as peer:
            peer.open()
    dead.close()
