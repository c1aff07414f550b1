"""The messages: every field in its place, and every other length or value refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tunnel_gateway.errors import (
    NoCommonSuiteError,
    PeerError,
    ProtocolViolationError,
    UnsupportedVersionError,
)
from tunnel_gateway.protocol.constants import MAX_HELLO, MAX_PAYLOAD
from tunnel_gateway.protocol.messages import (
    Authentication,
    ClientHello,
    Reader,
    Ready,
    ServerHello,
)

CLIENT_HELLO = ClientHello(
    suites=(0x0001, 0xFF02),
    random=bytes(range(32)),
    key_share=bytes(range(64, 128)),
    server_name="a1.example-site.uz",
)
SERVER_HELLO = ServerHello(suite=1, random=bytes(range(32)), key_share=bytes(range(64, 128)))
SERVER_AUTHENTICATION = Authentication(
    chain=(b"leaf", b"a centre", b""), dst_id=None, signature=b"s" * 64, finished=b"f" * 32
)
CLIENT_AUTHENTICATION = replace(SERVER_AUTHENTICATION, dst_id="o‘lchov")
READY = Ready(bytes(range(16)))


def parse_server_authentication(body: bytes) -> Authentication:
    return Authentication.parse(body, with_dst_id=False)


def parse_client_authentication(body: bytes) -> Authentication:
    return Authentication.parse(body, with_dst_id=True)


MESSAGES: list[tuple[Any, Callable[[bytes], Any]]] = [
    (CLIENT_HELLO, ClientHello.parse),
    (SERVER_HELLO, ServerHello.parse),
    (SERVER_AUTHENTICATION, parse_server_authentication),
    (CLIENT_AUTHENTICATION, parse_client_authentication),
    (READY, Ready.parse),
]
on_each_message = pytest.mark.parametrize(
    ("message", "parse"),
    MESSAGES,
    ids=["client hello", "server hello", "server authentication", "client authentication", "ready"],
)


@on_each_message
def test_a_message_comes_back(message: Any, parse: Callable[[bytes], Any]) -> None:
    assert parse(message.serialize()) == message


@on_each_message
def test_every_shorter_message_is_refused(message: Any, parse: Callable[[bytes], Any]) -> None:
    body = message.serialize()
    for size in range(len(body)):
        with pytest.raises(ProtocolViolationError):
            parse(body[:size])


@on_each_message
def test_bytes_left_over_are_refused(message: Any, parse: Callable[[bytes], Any]) -> None:
    with pytest.raises(ProtocolViolationError, match="left over"):
        parse(message.serialize() + b"\0")


def test_the_bytes_of_the_client_hello() -> None:
    assert CLIENT_HELLO.serialize() == (
        b"EIMZ\x01\x02\x00\x01\xff\x02"
        + bytes(range(32))
        + bytes(range(64, 128))
        + b"\x12a1.example-site.uz"
    )


def test_the_bytes_of_the_server_hello() -> None:
    body = SERVER_HELLO.serialize()
    assert body == b"\x01\x00\x01" + bytes(range(32)) + bytes(range(64, 128))
    assert len(body) == 99


def test_the_bytes_of_an_authentication() -> None:
    claim = b"\x03\x00\x04leaf\x00\x08a centre\x00\x00"
    proof = b"s" * 64 + b"f" * 32
    assert SERVER_AUTHENTICATION.serialize() == claim + proof
    assert CLIENT_AUTHENTICATION.serialize() == claim + b"\x09o\xe2\x80\x98lchov" + proof
    assert CLIENT_AUTHENTICATION.signed_part() == claim + b"\x09o\xe2\x80\x98lchov"


def test_an_empty_dst_id_is_not_the_same_as_none() -> None:
    empty = replace(SERVER_AUTHENTICATION, dst_id="")
    assert empty.serialize() != SERVER_AUTHENTICATION.serialize()
    assert parse_client_authentication(empty.serialize()) == empty


class TestClientHello:
    def refused(self, error: type[PeerError], reason: str, body: bytes) -> None:
        with pytest.raises(error, match=reason) as caught:
            ClientHello.parse(body)
        assert type(caught.value) is error

    def test_another_magic(self) -> None:
        body = b"EIMA" + CLIENT_HELLO.serialize()[4:]
        self.refused(ProtocolViolationError, "not a hello of this protocol", body)

    @pytest.mark.parametrize("version", [0, 2, 255])
    def test_another_version_whatever_follows(self, version: int) -> None:
        body = b"EIMZ" + bytes((version,))
        self.refused(UnsupportedVersionError, f"version {version}", body)

    @pytest.mark.parametrize("suites", [(), (2,), (0x0100, 0xFFFF), (0,) * 255])
    def test_no_common_suite(self, suites: tuple[int, ...]) -> None:
        body = replace(CLIENT_HELLO, suites=suites).serialize()
        self.refused(NoCommonSuiteError, "offers only", body)

    @pytest.mark.parametrize("suites", [(1,), (1, 1), (9, 1), (0xFFFF,) * 254 + (1,)])
    def test_the_suite_is_found_among_others(self, suites: tuple[int, ...]) -> None:
        hello = replace(CLIENT_HELLO, suites=suites)
        assert ClientHello.parse(hello.serialize()) == hello

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "Example.uz",
            "example.uz.",
            ".uz",
            "a..uz",
            "-a.uz",
            "a-.uz",
            "a_b.uz",
            "a b.uz",
            "example.uz\n",
            "example.uz\0",
            "*.example.uz",
            "пример.uz",
            "example.uz:443",
            "[::1]",
            "a" * 64 + ".uz",
            ".".join(["a" * 63] * 4),
            "\ud800.uz",
        ],
    )
    def test_what_is_not_a_domain_name_is_neither_sent_nor_accepted(self, name: str) -> None:
        with pytest.raises(ProtocolViolationError, match="lower-case domain name"):
            replace(CLIENT_HELLO, server_name=name).serialize()
        field = name.encode("utf-8", "surrogatepass")[:255]
        body = CLIENT_HELLO.serialize()[: -1 - len(CLIENT_HELLO.server_name)]
        self.refused(
            ProtocolViolationError, "lower-case domain name", body + bytes((len(field),)) + field
        )

    @pytest.mark.parametrize(
        "name", ["a", "localhost", "xn--80akhbyknj4f.uz", "a--b.uz", "1.2.3.4", "a." * 126 + "a"]
    )
    def test_domain_names(self, name: str) -> None:
        hello = replace(CLIENT_HELLO, server_name=name)
        assert ClientHello.parse(hello.serialize()) == hello

    def test_the_longest_possible_hello_fits(self) -> None:
        longest = replace(
            CLIENT_HELLO, suites=(1,) * 255, server_name=".".join(["a" * 63] * 3 + ["a" * 61])
        )
        assert len(longest.serialize()) == 866 < MAX_HELLO


class TestServerHello:
    @pytest.mark.parametrize("version", [0, 2, 69])
    def test_another_version_whatever_follows(self, version: int) -> None:
        with pytest.raises(UnsupportedVersionError, match=f"version {version}"):
            ServerHello.parse(bytes((version,)))

    @pytest.mark.parametrize("suite", [0, 2, 0x0100, 0xFFFF])
    def test_a_suite_that_was_not_offered(self, suite: int) -> None:
        with pytest.raises(ProtocolViolationError, match="not offered"):
            ServerHello.parse(replace(SERVER_HELLO, suite=suite).serialize())


class TestAuthentication:
    @pytest.mark.parametrize("count", [0, 9, 255])
    def test_a_chain_of_another_length(self, count: int) -> None:
        body = bytes((count,)) + b"\0\0" * count + bytes(96)
        with pytest.raises(ProtocolViolationError, match=f"a chain of {count} certificates"):
            parse_server_authentication(body)
        with pytest.raises(ProtocolViolationError, match="1 to 8"):
            replace(SERVER_AUTHENTICATION, chain=(b"",) * count).serialize()

    @pytest.mark.parametrize("count", [1, 8])
    def test_the_shortest_and_the_longest_chain(self, count: int) -> None:
        message = replace(SERVER_AUTHENTICATION, chain=(b"x",) * count)
        assert parse_server_authentication(message.serialize()) == message

    def test_the_whole_message_fits_into_a_record(self) -> None:
        room = MAX_PAYLOAD - 96 - 3
        message = replace(SERVER_AUTHENTICATION, chain=(b"x" * room,))
        assert len(message.serialize()) == MAX_PAYLOAD
        with pytest.raises(ProtocolViolationError, match="longer than 16 KiB"):
            replace(message, chain=(b"x" * (room + 1),)).signed_part()

    @pytest.mark.parametrize("field", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xe2\x80"])
    def test_a_dst_id_has_one_spelling(self, field: bytes) -> None:
        """Overlong forms and surrogates are no UTF-8: what was signed is what is read."""
        body = b"\x01\x00\x00" + bytes((len(field),)) + field + bytes(96)
        with pytest.raises(ProtocolViolationError, match="not UTF-8"):
            parse_client_authentication(body)

    @pytest.mark.parametrize("text", ["x" * 255, "ж" * 127, "\0", "‘" * 85])
    def test_a_long_dst_id(self, text: str) -> None:
        message = replace(SERVER_AUTHENTICATION, dst_id=text)
        assert parse_client_authentication(message.serialize()) == message

    @pytest.mark.parametrize("text", ["x" * 256, "ж" * 128, "\ud800", "a\udcff"])
    def test_a_dst_id_that_cannot_be_sent(self, text: str) -> None:
        with pytest.raises(ProtocolViolationError, match="dst_id"):
            replace(SERVER_AUTHENTICATION, dst_id=text).signed_part()


class TestReader:
    def test_fields_in_order(self) -> None:
        reader = Reader(b"\x01\x02\x03ab")
        assert reader.number(1) == 1
        assert reader.number(2) == 0x0203
        assert reader.take(0) == b""
        assert reader.take(2) == b"ab"
        reader.finish()

    def test_running_out_takes_nothing(self) -> None:
        reader = Reader(b"ab")
        with pytest.raises(ProtocolViolationError, match="ends too early"):
            reader.take(3)
        assert reader.take(2) == b"ab"
