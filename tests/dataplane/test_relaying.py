"""An open tunnel joined to a plain socket: bytes, ends, back-pressure, whoever carries them."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import pytest

from tests.support.joined import BROKE_OFF, Carrier, End, joined, receive_all
from tests.support.loopback import TIME_LIMIT
from tunnel_gateway.errors import (
    AlertReceivedError,
    OperatorClosedError,
    ShuttingDownError,
    TruncatedError,
)
from tunnel_gateway.protocol.constants import MAX_PAYLOAD
from tunnel_gateway.transport.streams.relay import RelayEnd

MIB = 2**20
on_both_ends = pytest.mark.parametrize("first", ["client", "plain"])


async def received(end: End, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        data = await end.receive()
        assert data, found
        found += data
    return bytes(found)


async def alert_at(end: End) -> AlertReceivedError:
    """Read to the alert that must come."""
    with pytest.raises(AlertReceivedError) as caught:
        await receive_all(end)
    return caught.value


class TestBytes:
    async def test_they_pass_and_are_counted(self, carrier: Carrier) -> None:
        async with joined(carrier) as pair:
            await pair.client.send(b"savol")
            assert await received(pair.plain, 5) == b"savol"
            await pair.plain.send(b"javob!")
            assert await received(pair.client, 6) == b"javob!"
            assert (pair.relay.bytes_from_channel, pair.relay.bytes_from_socket) == (5, 6)
            assert not pair.running.done()
            pair.relay.stop(ShuttingDownError("enough"))
            await pair.end()
            await pair.relay.wait_closed()
            assert (pair.relay.bytes_from_channel, pair.relay.bytes_from_socket) == (5, 6)

    async def test_what_waited_comes_first(self, carrier: Carrier) -> None:
        async with joined(carrier, before=b"avval") as pair:
            for end in (pair.client, pair.plain):
                await end.send(b" keyin")
            for end in (pair.client, pair.plain):
                assert await received(end, 11) == b"avval keyin"
            assert pair.relay.bytes_from_channel == 11

    @on_both_ends
    @pytest.mark.parametrize("size", [1, MAX_PAYLOAD - 1, MAX_PAYLOAD, MAX_PAYLOAD + 1, 5 * MIB])
    async def test_any_number_arrives(self, first: str, size: int, carrier: Carrier) -> None:
        data = bytes(number % 251 for number in range(4096)) * (size // 4096 + 1)
        async with joined(carrier) as pair:
            one, other = pair.ends(first)
            sending = asyncio.create_task(one.send(data[:size]))
            assert await received(other, size) == data[:size]
            await sending

    @on_both_ends
    async def test_the_keys_change_on_the_way(self, first: str, carrier: Carrier) -> None:
        async with joined(carrier) as pair:
            one, other = pair.ends(first)
            for number in range(600):
                await one.send(b"%d" % number)
                assert await received(other, len(str(number))) == b"%d" % number

    async def test_a_record_that_comes_in_pieces(self, carrier: Carrier) -> None:
        async with joined(carrier) as pair:
            pair.client.connection.send_data(b"savol")
            whole = bytes(pair.client.connection.data_to_send())
            pair.client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in whole:
                await asyncio.get_running_loop().sock_sendall(pair.client.socket, bytes((byte,)))
                await asyncio.sleep(0)
            assert await received(pair.plain, 5) == b"savol"


class TestEnds:
    @on_both_ends
    async def test_each_direction_ends_on_its_own(self, first: str, carrier: Carrier) -> None:
        async with joined(carrier) as pair:
            one, other = pair.ends(first)
            await one.send(b"tamom")
            await one.finish()
            assert await receive_all(other) == b"tamom"
            assert not pair.running.done()
            sending = asyncio.create_task(other.send(bytes(MIB)))
            assert await received(one, MIB) == bytes(MIB)
            await sending
            await other.finish()
            assert await receive_all(one) == b""
            assert await pair.end() == RelayEnd("completed")

    @on_both_ends
    async def test_what_was_written_before_an_end_arrives(
        self, first: str, carrier: Carrier
    ) -> None:
        async with joined(carrier) as pair:
            one, other = pair.ends(first)
            await other.finish()
            assert await receive_all(one) == b""
            sending = asyncio.create_task(one.send(bytes(8 * MIB)))
            reading = asyncio.create_task(receive_all(other))
            await sending
            await one.finish()
            assert len(await reading) == 8 * MIB
            assert (await pair.end()).reason == "completed"

    async def test_a_stop_from_outside(self, carrier: Carrier) -> None:
        async with joined(carrier) as pair:
            error = OperatorClosedError("an operator has closed it")
            pair.relay.stop(error)
            pair.relay.stop(ShuttingDownError("too late"))
            assert await pair.end() == RelayEnd("closed_by_operator", error)
            assert (await alert_at(pair.client)).name == "closed_by_operator"
            assert await pair.plain.receive() == b""

    async def test_a_stop_while_bytes_pass(self, carrier: Carrier) -> None:
        async with joined(carrier) as pair:
            await pair.client.send(b"savol")
            assert await received(pair.plain, 5) == b"savol"
            pair.relay.stop(ShuttingDownError("the gateway is stopping"))
            assert (await alert_at(pair.client)).name == "shutting_down"
            assert (await pair.end()).reason == "shutting_down"
            pair.relay.stop(ShuttingDownError("again"))

    async def test_the_client_breaks_off(self, carrier: Carrier) -> None:
        async with joined(carrier) as pair:
            pair.client.reset()
            end = await pair.end()
            assert end.reason == "peer_lost"
            assert isinstance(end.error, ConnectionResetError)
            assert await pair.plain.receive() == b""

    async def test_the_application_breaks_off(self, carrier: Carrier) -> None:
        async with joined(carrier) as pair:
            pair.plain.reset()
            assert (await alert_at(pair.client)).name == BROKE_OFF.code
            end = await pair.end()
            assert end.reason == "destination_lost"
            assert isinstance(end.error, ConnectionResetError)

    async def test_a_socket_that_ends_before_its_data(self, carrier: Carrier) -> None:
        async with joined(carrier) as pair:
            pair.client.socket.shutdown(socket.SHUT_WR)
            end = await pair.end()
            assert end.reason == "truncated"
            assert isinstance(end.error, TruncatedError)
            assert str(end.error) == "the connection ended while open"
            assert (await alert_at(pair.client)).name == "protocol_error"

    async def test_a_client_that_closes_and_leaves(self, carrier: Carrier) -> None:
        async with joined(carrier) as pair:
            await pair.client.finish()
            assert await receive_all(pair.plain) == b""
            pair.client.reset()
            with suppress(OSError):  # it is noticed when something is written
                while not pair.running.done():
                    await pair.plain.send(b"javob")
                    await asyncio.sleep(0.01)
            assert await pair.end() == RelayEnd("peer_left")

    async def test_the_end_of_tcp_after_a_close_is_nothing(self, carrier: Carrier) -> None:
        async with joined(carrier) as pair:
            await pair.client.finish()
            pair.client.socket.shutdown(socket.SHUT_WR)
            assert await receive_all(pair.plain) == b""
            await pair.plain.send(b"javob")
            await pair.plain.finish()
            assert await receive_all(pair.client) == b"javob"
            assert await pair.end() == RelayEnd("completed")

    async def test_an_alert_of_the_client(self, carrier: Carrier) -> None:
        async with joined(carrier) as pair:
            pair.client.connection.abort(ShuttingDownError("bye"))
            await pair.client.flush()
            end = await pair.end()
            assert end.reason == "alert_received"
            assert isinstance(end.error, AlertReceivedError)
            assert end.error.name == "shutting_down"
            assert await pair.plain.receive() == b""

    async def test_the_cancel_of_who_waits(self, carrier: Carrier) -> None:
        async with joined(carrier) as pair:
            await pair.client.send(b"savol")
            await received(pair.plain, 5)
            pair.running.cancel()
            await asyncio.wait((pair.running,))
            assert pair.running.cancelled()
            assert (await alert_at(pair.client)).name == "shutting_down"
            assert await pair.plain.receive() == b""


class TestBackPressure:
    @on_both_ends
    async def test_an_end_that_does_not_read_slows_the_other_down(
        self, first: str, carrier: Carrier
    ) -> None:
        async with joined(carrier) as pair:
            slow, fast = pair.ends(first)
            sending = asyncio.create_task(fast.send(bytes(32 * MIB)))
            done, _ = await asyncio.wait((sending,), timeout=0.5)
            assert not done
            held = pair.relay.bytes_from_channel + pair.relay.bytes_from_socket
            assert held < 24 * MIB
            assert len(await received(slow, 32 * MIB)) == 32 * MIB
            await sending
            await slow.send(b"davom")
            assert await received(fast, 5) == b"davom"

    async def test_a_stop_reaches_a_client_that_reads_again(self, carrier: Carrier) -> None:
        async with joined(carrier) as pair:
            sending = asyncio.create_task(pair.plain.send(bytes(32 * MIB)))
            await asyncio.wait((sending,), timeout=0.2)
            pair.relay.stop(ShuttingDownError("the gateway is stopping"))
            assert (await alert_at(pair.client)).name == "shutting_down"
            async with asyncio.timeout(TIME_LIMIT):
                await asyncio.wait((sending,))
            assert (await pair.end()).reason == "shutting_down"
            sending.exception()
