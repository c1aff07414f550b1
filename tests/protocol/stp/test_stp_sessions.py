"""Recorded sessions of E-IMZO: each role of the package sends every byte of them again."""

from __future__ import annotations

import pytest

from tests.support.stp_sessions import StpRecording, recorded_client, recorded_server, recordings
from tunnel_gateway.errors import (
    AlertReceivedError,
    DestinationUnreachableError,
)
from tunnel_gateway.protocol.events import ClientAuthenticated, DataReceived, Failed, Opened
from tunnel_gateway.protocol.stp.stp_constants import DEFAULT_MODES, Mode, Table
from tunnel_gateway.protocol.stp.stp_errors import RepeatableModeError
from tunnel_gateway.protocol.stp.stp_states import StpState

TUNNELS = [one for one in recordings().values() if one.refused_at is None]
of_each_tunnel = pytest.mark.parametrize("recording", TUNNELS, ids=lambda one: one.name)


def test_what_the_recordings_cover() -> None:
    assert {one.client.params.mode for one in TUNNELS} == set(Mode)
    assert {one.server.params.mode for one in TUNNELS} == set(Mode)
    assert {one.client.params.table for one in TUNNELS} == set(Table)
    assert len({one.client.identity.private_key.curve for one in TUNNELS}) == 3


@of_each_tunnel
def test_the_server_sends_the_recorded_bytes(recording: StpRecording) -> None:
    server = recorded_server(recording)
    client, ours = recording.client, recording.server
    hello = 1 + len(client.params.serialize())
    proof = hello + 2 * 48  # two frames of 32 bytes
    server.receive_data(client.wire[:proof])
    (proven,) = server.events_received()
    assert isinstance(proven, ClientAuthenticated)
    assert proven.dst_id == str(client.params.extra[0])
    server.accept()
    server.receive_data(client.wire[proof:])
    (data,) = server.events_received()
    assert isinstance(data, DataReceived)
    assert data.data == recording.data["client"]
    for payload in ours.payloads[4:]:
        server.send_data(payload)
    assert server.data_to_send() == ours.wire
    assert server.state is StpState.OPEN


@of_each_tunnel
def test_the_client_sends_the_recorded_bytes(recording: StpRecording) -> None:
    client = recorded_client(recording)
    client.receive_data(recording.server.wire)
    opened, data = client.events_received()
    assert isinstance(opened, Opened)
    assert isinstance(data, DataReceived)
    assert data.data == recording.data["server"]
    for payload in recording.client.payloads[3:]:
        client.send_data(payload)
    assert client.data_to_send() == recording.client.wire


@of_each_tunnel
def test_the_repeatable_modes_are_refused_unless_a_setting_allows_them(
    recording: StpRecording,
) -> None:
    hello = recording.client.wire[: 1 + len(recording.client.params.serialize())]
    server = recorded_server(recording, DEFAULT_MODES)
    server.receive_data(hello)
    refused = recording.client.params.mode in (Mode.SIC, Mode.OFB)
    assert (server.data_to_send() == b"\x40") is refused
    assert server.closed is refused
    client = recorded_client(recording, DEFAULT_MODES)
    client.receive_data(recording.server.wire)
    first = client.events_received()[0]
    if recording.server.params.mode in (Mode.SIC, Mode.OFB):
        assert isinstance(first, Failed)
        assert isinstance(first.error, RepeatableModeError)
    else:
        assert isinstance(first, Opened)


def test_the_recorded_refusal_in_message_2() -> None:
    recording = recordings()["20-refused-2"]
    client = recorded_client(recording)
    assert client.data_to_send() == recording.client.wire
    client.receive_data(recording.server.wire)
    (failed,) = client.events_received()
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, AlertReceivedError)
    assert failed.error.name == "certificate_untrusted"  # the number 5, as we use it
    assert client.closed


def test_the_recorded_refusal_in_message_6() -> None:
    recording = recordings()["22-refused-6"]
    client = recorded_client(recording)
    client.receive_data(recording.server.wire)
    (failed,) = client.events_received()
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, AlertReceivedError)
    assert failed.error.text == "No such destination"
    assert client.data_to_send() == recording.client.wire
    assert client.closed

    server = recorded_server(recording)
    server.receive_data(recording.client.wire)
    server.events_received()
    server.abort(DestinationUnreachableError("nobody listens"))
    assert server.data_to_send() == recording.server.wire
    assert server.state is StpState.ENDING
