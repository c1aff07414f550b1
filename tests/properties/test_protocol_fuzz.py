"""Any bytes in any state: no exception comes out, and no data that nobody sent."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.pair import PLACES, alert_sent, ends_in, forged, recording, validator
from tests.support.pki import NOW
from tunnel_gateway.errors import (
    CertificateError,
    NoCommonSuiteError,
    ProtocolViolationError,
    TunnelGatewayError,
    UnsupportedVersionError,
)
from tunnel_gateway.protocol.alerts import Alert
from tunnel_gateway.protocol.connection import Connection
from tunnel_gateway.protocol.constants import MAX_PAYLOAD, ContentType
from tunnel_gateway.protocol.events import CloseReceived, DataReceived, Failed
from tunnel_gateway.protocol.messages import Authentication, ClientHello, Ready, ServerHello
from tunnel_gateway.protocol.states import TRANSITIONS, State, Step

pytestmark = pytest.mark.usefixtures("remembered")

LIVING = [place for place in PLACES if place[0] is not State.CLOSED]
everywhere = pytest.mark.parametrize(("state", "role"), LIVING, ids=str)
fuzzed = settings(deadline=None, max_examples=60)

sizes = st.one_of(st.integers(0, 300), st.sampled_from([1024, 1025, 16393, 16394, 65535]))
lying_records = st.builds(
    lambda number, size, body: bytes((number,)) + size.to_bytes(2, "big") + body,
    st.one_of(st.integers(1, 3), st.integers(0, 255)),
    sizes,
    st.binary(max_size=300),
)
honest_records = st.builds(
    lambda number, body: bytes((number,)) + len(body).to_bytes(2, "big") + body,
    st.integers(1, 3),
    st.binary(max_size=300),
)
streams = st.lists(st.one_of(st.binary(max_size=40), lying_records, honest_records), max_size=5)


def check_defined(ours: Connection) -> None:
    """Check that nothing was believed: still waiting, or failed once and said so once."""
    events = ours.events_received()
    assert all(isinstance(event, Failed) for event in events)
    assert len(events) <= 1
    for event in events:
        assert isinstance(event, Failed)
        assert isinstance(event.error, TunnelGatewayError)
        assert ours.state is State.CLOSED
        assert not ours._received


@everywhere
@fuzzed
@given(pieces=streams)
def test_bytes_of_a_stranger(state: State, role: str, pieces: list[bytes]) -> None:
    ours, _ = ends_in(state, role)
    for piece in pieces:
        ours.receive_data(piece)
        assert len(ours._received) < MAX_PAYLOAD + 3 + 9
    check_defined(ours)
    ours.receive_eof()
    events = ours.events_received()
    assert not [event for event in events if isinstance(event, DataReceived | CloseReceived)]


contents = st.one_of(st.sampled_from(ContentType), st.integers(0, 255))


@everywhere
@fuzzed
@given(content=contents, payload=st.binary(max_size=200))
def test_records_of_a_peer(state: State, role: str, content: int, payload: bytes) -> None:
    """A peer with the keys gets data in where the table has it in its place, and only there."""
    ours, _ = ends_in(state, role)
    if ours._opener is None:
        return
    ours.receive_data(forged(ours, content, payload))
    events = ours.events_received()
    if DataReceived(payload) in events:
        assert (state, Step.RECEIVE_DATA) in TRANSITIONS
        assert content == ContentType.DATA
        assert payload
    elif CloseReceived() in events:
        assert (state, Step.RECEIVE_CLOSE) in TRANSITIONS
        assert (content, payload) == (ContentType.CLOSE, b"")
    else:
        (event,) = events
        assert isinstance(event, Failed)
        alert_sent(ours)  # at most one record


@settings(deadline=None, max_examples=300)
@given(
    start=st.integers(0, 2**16),
    size=st.integers(0, 40),
    new=st.binary(max_size=40),
    which=st.integers(0, 1),
)
def test_a_stretch_of_a_hello_replaced(start: int, size: int, new: bytes, which: int) -> None:
    """Anything near a right hello; what follows from it is for the other tests."""
    role = ("server", "client")[which]
    whole = (recording().proofs, recording().answers)[which][0][3:]
    start %= len(whole)
    body = whole[:start] + new + whole[start + size :]
    state = State.SERVER_EXPECT_HELLO if role == "server" else State.CLIENT_EXPECT_HELLO
    ours, _ = ends_in(state, role)
    ours.receive_data(b"\x01" + len(body).to_bytes(2, "big") + body)
    failed = any(isinstance(event, Failed) for event in ours.events_received())
    assert failed is (ours.state is State.CLOSED)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=400))
def test_parsers_raise_what_they_say(body: bytes) -> None:
    for parse in (
        ClientHello.parse,
        ServerHello.parse,
        Ready.parse,
        Alert.parse,
        lambda data: Authentication.parse(data, with_dst_id=True),
        lambda data: Authentication.parse(data, with_dst_id=False),
    ):
        with suppress(ProtocolViolationError, UnsupportedVersionError, NoCommonSuiteError):
            message = parse(body)
            # There is one spelling of each message, but for the text of an alert.
            assert isinstance(message, Alert) or message.serialize() == body


chains = st.lists(st.binary(max_size=60), min_size=1, max_size=8)


@settings(deadline=None, max_examples=300)
@given(chains, st.text(max_size=60), st.binary(min_size=64, max_size=64))
def test_every_authentication_comes_back(chain: list[bytes], dst_id: str, proof: bytes) -> None:
    message = Authentication(tuple(chain), dst_id, proof, proof[:32])
    assert Authentication.parse(message.serialize(), with_dst_id=True) == message


@settings(deadline=None, max_examples=200)
@given(chains)
def test_what_is_no_certificate_is_refused_as_such(chain: list[bytes]) -> None:
    with pytest.raises(CertificateError):
        validator().verify_client(chain, NOW)
