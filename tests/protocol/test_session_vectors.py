"""tests/vectors/session.json: the package makes these bytes, and so does the reference."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.protocol.make_session_vectors import (
    FILE,
    Ends,
    make,
    run_refusals,
    run_session,
    serialize,
)
from tests.support import reference_protocol as reference
from tunnel_gateway.gost.curves import CURVES, PrivateKey
from tunnel_gateway.gost.signature import verify
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.protocol.events import Event

SESSION: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
RECORDS = SESSION["records"]
SIDES = ("client", "server")


def raw(*way: str) -> bytes:
    """The bytes of a value of the file."""
    value: Any = SESSION
    for step in way:
        value = value[step]
    return bytes.fromhex(value)


def names_of(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


class TestThePackage:
    def test_makes_every_record(self) -> None:
        ends = Ends(SESSION["certificates"])
        run_session(ends)
        made = [(one["from"], one["name"], one["record"]) for one in ends.records]
        assert made == [(one["from"], one["name"], one["record"]) for one in RECORDS]
        given = {"client": ends.client_entropy.given, "server": ends.server_entropy.given}
        for side in SIDES:
            inputs = SESSION["entropy"][side]
            asked = ("random", "entropy of the ephemeral key", "entropy of the signature")
            assert [answer.hex() for answer in given[side]] == [inputs[name] for name in asked]

    def test_understands_every_record(self) -> None:
        ends = Ends(SESSION["certificates"])
        run_session(ends)
        assert names_of(ends.server.events_received()) == [
            "ClientAuthenticated",
            *["DataReceived"] * 258,
            "CloseReceived",
        ]
        assert names_of(ends.client.events_received()) == [
            "Opened",
            *["DataReceived"] * 2,
            "CloseReceived",
        ]

    def test_makes_every_refusal(self) -> None:
        refusals = run_refusals(SESSION["certificates"])
        assert set(refusals) == set(SESSION["refusals"])
        for name, records in refusals.items():
            assert records[-1]["record"] == SESSION["refusals"][name]["record"], name

    def test_the_file_is_what_the_generator_writes(self) -> None:
        assert serialize(make(SESSION["certificates"])) == FILE.read_text(encoding="utf-8")


class TestTheReference:
    """From the inputs of the file alone, with nothing of ``tunnel_gateway.protocol``."""

    def test_the_keys_of_the_certificates(self) -> None:
        for name in ("root", "centre", *SIDES):
            one = SESSION["certificates"][name]
            curve = next(curve for curve in CURVES if curve.name == one["curve"])
            key = PrivateKey(curve, bytes.fromhex(one["vector_private_key"]))
            leaf = Certificate.from_der(bytes.fromhex(one["certificate"]))
            assert leaf.public_key == key.public_key()

    def test_the_ephemeral_keys(self) -> None:
        for side in SIDES:
            d = reference.ephemeral(raw("entropy", side, "entropy of the ephemeral key"))
            assert d == int(SESSION["entropy"][side]["ephemeral private key"], 16)
            assert reference.key_share(d) == raw("entropy", side, "key share")

    def test_the_hellos(self) -> None:
        random, share = (raw("entropy", "client", name) for name in ("random", "key share"))
        hello = reference.client_hello(random, share, SESSION["server name (text)"])
        assert raw("messages", "client hello") == hello
        random, share = (raw("entropy", "server", name) for name in ("random", "key share"))
        assert raw("messages", "server hello") == reference.server_hello(random, share)

    def test_the_shared_secret(self) -> None:
        ukm = reference.user_keying_material(*(raw("entropy", side, "random") for side in SIDES))
        assert f"{ukm:016x}" == SESSION["ukm"]
        ours, theirs = (int(SESSION["entropy"][one]["ephemeral private key"], 16) for one in SIDES)
        secret = reference.shared_secret(ours, theirs, ukm)
        assert secret == raw("schedule", "shared secret")

    @pytest.mark.parametrize("side", SIDES)
    def test_the_claims_and_signatures(self, side: str) -> None:
        chain = [raw("certificates", name, "certificate") for name in (side, "centre")]
        dst_id = SESSION["dst_id (text)"] if side == "client" else None
        assert raw("messages", f"{side} claim") == reference.claim(chain, dst_id)
        upto = "the server's chain" if side == "server" else "the client's dst_id"
        text = reference.signed_text(side, raw("schedule", f"hash up to {upto}"))
        assert text == raw("signed", side, "text")
        key = Certificate.from_der(chain[0]).public_key
        verify(key, raw("messages", f"{side} signature"), raw("signed", side, "digest"))

    def test_the_schedule(self) -> None:
        messages = reference.Messages(
            **{name.replace(" ", "_"): bytes.fromhex(v) for name, v in SESSION["messages"].items()}
        )
        values = reference.schedule(messages, raw("schedule", "shared secret"))
        assert {name: value.hex() for name, value in values.items()} == SESSION["schedule"]

    def test_the_keys_and_their_update(self) -> None:
        for name, protection in SESSION["protection"].items():
            secret = raw("schedule", name.partition(" after")[0])
            if "after" in name:
                secret = reference.update(secret)
            keys = reference.keys(secret)
            assert protection == {
                "secret": secret.hex(),
                "key": keys.key.hex(),
                "iv": keys.iv.hex(),
            }

    def test_the_records(self) -> None:
        for record in [*RECORDS, *SESSION["refusals"].values()]:
            assert record["record"] == remade(record).hex(), record

    def test_the_payloads_of_the_handshake(self) -> None:
        for side in SIDES:
            body = raw("messages", f"{side} claim") + raw("messages", f"{side} signature")
            body += raw("schedule", f"{side} finished")
            (sent,) = (
                one for one in RECORDS if (one["from"], one["name"]) == (side, "authentication")
            )
            assert body.hex() == sent["payload"]
        (ready,) = (one for one in RECORDS if one["name"] == "ready")
        assert ready["payload"] == SESSION["schedule"]["tunnel id"]

    def test_a_key_is_changed_after_256_records(self) -> None:
        last = [one for one in RECORDS if one.get("secret (name)") == "c ap"][-1]
        assert last["index (decimal)"] == 258
        updated = raw("protection", "c ap after 256 records", "secret")
        payload = bytes.fromhex(last["payload"])
        assert (
            reference.protected_record(updated, 2, last["content (decimal)"], payload).hex()
            == last["record"]
        )


def remade(record: dict[str, Any]) -> bytes:
    """The record as the reference makes it."""
    if "payload" in record:
        return reference.protected_record(
            raw("schedule", record["secret (name)"]),
            record["index (decimal)"],
            record["content (decimal)"],
            bytes.fromhex(record["payload"]),
        )
    if record["name"] == "hello":
        return reference.clear_record(1, raw("messages", f"{record['from']} hello"))
    alert = reference.alert(4, "this gateway does not serve the domain")
    return reference.clear_record(3, alert)
