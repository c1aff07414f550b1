"""The key schedule against the reference, and what each secret depends on."""

from __future__ import annotations

import os

import pytest

from tests.support import reference_protocol as reference
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.protocol import key_schedule
from tunnel_gateway.protocol.key_schedule import (
    KeySchedule,
    TrafficSecrets,
    Transcript,
    finished_value,
    next_secret,
    traffic_keys,
    user_keying_material,
)

SECRET = bytes(range(32))
CONTEXT = bytes(range(32, 64))


def test_the_transcript_is_the_digest_of_all_parts() -> None:
    transcript = Transcript()
    assert transcript.hash() == digest(b"")
    for part in (b"first", b"", b"second" * 100):
        transcript.add(part)
    assert transcript.hash() == digest(b"first" + b"second" * 100)
    transcript.add(b"third")
    assert transcript.hash() == digest(b"first" + b"second" * 100 + b"third")


def test_the_whole_schedule() -> None:
    hellos, upto_server, whole = (os.urandom(32) for _ in range(3))
    schedule = KeySchedule(SECRET)
    handshake = reference.hmac(bytes(32), SECRET)
    derived = reference.expand_label(handshake, "derived", digest(b""), 32)
    master = reference.hmac(derived, bytes(32))
    assert schedule.handshake_secrets(hellos) == TrafficSecrets(
        reference.expand_label(handshake, "c hs", hellos, 32),
        reference.expand_label(handshake, "s hs", hellos, 32),
    )
    assert schedule.application_secrets(upto_server) == TrafficSecrets(
        reference.expand_label(master, "c ap", upto_server, 32),
        reference.expand_label(master, "s ap", upto_server, 32),
    )
    exporter = reference.expand_label(master, "exp", whole, 32)
    assert schedule.tunnel_id(whole) == reference.expand_label(exporter, "tunnel id", b"", 16)


def test_the_keys_of_records() -> None:
    assert traffic_keys(SECRET) == (
        reference.expand_label(SECRET, "key", b"", 32),
        reference.expand_label(SECRET, "iv", b"", 8),
    )
    assert next_secret(SECRET) == reference.expand_label(SECRET, "upd", b"", 32)


def test_finished() -> None:
    key = reference.expand_label(SECRET, "finished", b"", 32)
    assert finished_value(SECRET, CONTEXT) == reference.hmac(key, CONTEXT)


def test_every_secret_is_another_one() -> None:
    schedule = KeySchedule(SECRET)
    handshake, application = (
        schedule.handshake_secrets(CONTEXT),
        schedule.application_secrets(CONTEXT),
    )
    secrets = {handshake.client, handshake.server, application.client, application.server}
    assert len(secrets) == 4


@pytest.mark.parametrize("other", [bytes(32), SECRET[:-1] + b"\0"])
def test_another_shared_secret_or_transcript_changes_everything(other: bytes) -> None:
    one = KeySchedule(SECRET)
    for changed, context in ((KeySchedule(other), CONTEXT), (one, other)):
        assert changed.handshake_secrets(context).client != one.handshake_secrets(CONTEXT).client
        assert changed.application_secrets(context).server != (
            one.application_secrets(CONTEXT).server
        )
        assert changed.tunnel_id(context) != one.tunnel_id(CONTEXT)


def test_the_ukm_is_the_front_of_the_hash_of_both_randoms() -> None:
    expected = int.from_bytes(digest(SECRET + CONTEXT)[:8], "little")
    assert user_keying_material(SECRET, CONTEXT) == expected
    assert user_keying_material(CONTEXT, SECRET) != expected
    assert 0 < expected < 2**64


def test_a_ukm_of_zero_becomes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_schedule, "digest", lambda data: bytes(8) + b"\xff" * 24)
    assert user_keying_material(SECRET, CONTEXT) == 1


def test_secrets_are_not_shown() -> None:
    shown = repr(TrafficSecrets(SECRET, CONTEXT)) + repr(KeySchedule(SECRET))
    for secret in (SECRET, CONTEXT):
        assert repr(secret) not in shown
        assert secret.hex() not in shown
