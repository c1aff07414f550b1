"""A gateway process that serves STP, and users of it with programs of others."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.credentials import Credentials
from tests.support.destination import SWITCHED, accept, receive_head
from tests.support.peer import UPGRADE
from tests.support.processes import Gateway
from tests.support.stp_client_of_others import StpClientOfOthers
from tests.support.stp_words_of_others import GCFB
from tunnel_gateway.gost.curves import CRYPTOPRO_A
from tunnel_gateway.pki.certificates.certificate import to_pem
from tunnel_gateway.pki.files.keyfiles import Identity

RAW, CLOSED, UNKNOWN = 7, 8, 9  # dst_ids: the fixture `destination`, one that refuses, and none


@dataclass
class StpSite:
    """A gateway, a user on the curve of its domain, and who has issued its certificate."""

    gateway: Gateway
    user: Identity
    root: bytes

    def client(
        self,
        dst_id: int = RAW,
        user: Identity | None = None,
        mode: int = GCFB,
        private_key: int | None = None,
        **options: Any,
    ) -> StpClientOfOthers:
        """Connect as E-IMZO does; nothing is sent yet."""
        who = user or self.user
        return StpClientOfOthers(
            self.gateway.address,
            who.leaf.der,
            private_key or who.private_key,
            root=self.root,
            dst_id=dst_id,
            mode=mode,
            **options,
        )


def name(client: StpClientOfOthers) -> str:
    """The client as the gateway's log says it."""
    return ":".join(map(str, client.socket.getsockname()))


def accept_tunnel(listening: socket.socket) -> socket.socket:
    """Take the next connection that is no probe of the gateway's."""
    connection = accept(listening)
    while not connection.recv(1, socket.MSG_PEEK):
        connection.close()
        connection = accept(listening)
    return connection


def join(client: StpClientOfOthers, listening: socket.socket) -> tuple[socket.socket, bytes]:
    """Open a tunnel and its WebSocket; return the destination's side, and the request's head."""
    client.open()
    client.send(UPGRADE)
    connection = accept_tunnel(listening)
    head = receive_head(connection)
    connection.sendall(SWITCHED)
    assert client.receive(len(SWITCHED)) == SWITCHED
    return connection, head


@contextmanager
def stp_site(
    credentials: Credentials,
    folder: Path,
    destinations: Mapping[str, int],
    **settings: object,
) -> Iterator[StpSite]:
    """Start a gateway with these settings, ``idle_timeout=1``, and end it without a leak."""
    user = credentials.user("of-stp", curve=CRYPTOPRO_A).identity
    centre = credentials.example.identity.chain[1]
    truststore = folder / "with-centres.pem"
    truststore.write_bytes(to_pem([credentials.authority.root.leaf, centre]))
    keys: dict[str, object] = {"stp": "yes", "truststore.file": truststore}
    keys |= {name.replace("_", "."): value for name, value in settings.items()}
    reached = {str(RAW): destinations["raw"], str(CLOSED): destinations["closed"]}
    gateway = Gateway(credentials, folder, reached, keys)
    try:
        yield StpSite(gateway, user, centre.der)
    finally:
        if gateway.process.poll() is None:
            code = gateway.stop()
            assert code == 0, gateway.last_words()
        gateway.check_log()


StartSite = Callable[..., StpSite]
