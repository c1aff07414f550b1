"""What is known of a connection, and when."""

from __future__ import annotations

from tests.support.pair import Pair, new_client, new_server
from tunnel_gateway.gateway.account import Account, Stage


def test_a_stranger_is_an_address_and_what_he_asked_for() -> None:
    account = Account("192.0.2.1:5000", 1.0)
    assert account.stage is Stage.HANDSHAKE
    assert account.facts() == {"client": "192.0.2.1:5000"}
    account.domain = "example.uz"
    assert account.facts() == {"client": "192.0.2.1:5000", "domain": "example.uz"}
    assert (account.bytes_up, account.bytes_down) == (0, 0)


def test_a_proven_user_is_named() -> None:
    account = Account("192.0.2.1:5000", 1.0)
    client = Pair(new_client(), new_server()).authenticate()
    account.authenticated(client)
    assert account.stage is Stage.CONNECTING
    assert account.facts() == {
        "client": "192.0.2.1:5000",
        "tunnel_id": client.tunnel_id.hex(),
        "domain": client.server_name,
        "dst_id": client.dst_id,
        "user": client.peer.leaf.common_name,
        "serial": f"{client.peer.leaf.serial:x}",
        "issuer": client.peer.leaf.issuer,
    }
