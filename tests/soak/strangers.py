"""The kinds of strangers, and what the gateway says to each of them.

Every one is turned away: before the hellos, after them, for his certificate, for what he wants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from tests.soak.attacker import Attacker, Met, listen_to_end, record, reset
from tests.support.credentials import NOW, Credentials
from tests.support.pki import altered, ders
from tests.support.strangers import hostile_chains
from tunnel_gateway.gost.curves import PrivateKey
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.protocol.constants import ContentType
from tunnel_gateway.protocol.messages import Authentication

UPGRADE = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
NOISE = bytes(range(256))
# Of the chains that cost a careless reader much: one of each kind, and the dearest of all.
_HOSTILE = (
    "empty directoryNames",
    "URIs",
    "IDN names",
    "empty names",
    "distribution points",
    "2000 bytes of ligatures as issuer",
    "eight of one name",
    "eight with long names",
)


@dataclass(frozen=True)
class Stranger:
    """One kind: what it is called, what the gateway logs as the reason, and what it does.

    ``share`` is how often it comes in a round: those who cost him nothing are the most there are.
    """

    name: str
    reason: str
    come: Callable[[Attacker], None]
    share: int = 1


def strangers(credentials: Credentials) -> list[Stranger]:
    """Return a round of them."""
    return [
        *_before_the_hellos(),
        *_after_the_hellos(),
        *_with_a_claim(credentials),
        *_with_a_certificate(credentials),
    ]


def _before_the_hellos() -> Iterator[Stranger]:
    said: dict[str, tuple[str, bytes]] = {
        "garbage": ("protocol_error", NOISE[5:]),
        "http": ("protocol_error", UPGRADE),
        "tls": ("protocol_error", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + NOISE * 2),
        "a balancer's header": ("protocol_error", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n"),
        "another magic": ("protocol_error", record(1, b"EIMX" + NOISE)),
        "another version": ("unsupported_version", record(1, b"EIMZ\x02" + NOISE)),
        "no suite": ("no_common_suite", record(1, b"EIMZ\x01\x01\x00\x02" + NOISE[:96] + b"\x01a")),
        "a short hello": ("protocol_error", record(1, b"EIMZ\x01\x01\x00\x01" + NOISE[:50])),
        "an empty hello": ("protocol_error", record(1, b"")),
        "an oversize hello": ("protocol_error", b"\x01\xff\xff" + NOISE),
        "no keys yet": ("protocol_error", record(2, NOISE)),
        "an alert": ("alert_received", record(3, b"\x0d\x02ab")),
        "a malformed alert": ("protocol_error", record(3, b"\x0d\x09ab")),
    }
    for name, (reason, data) in said.items():
        yield Stranger(name, reason, _says(data), share=4)
    yield Stranger("another domain", "unknown_domain", _other_domain)
    yield Stranger("a point off the curve", "protocol_error", _off_the_curve)
    yield Stranger("nothing", "truncated", lambda attacker: attacker.say(b"", "end"))
    yield Stranger("a part", "truncated", lambda attacker: attacker.say(b"\x01\x00\x90EI", "end"))
    yield Stranger("a reset", "peer_lost", lambda attacker: attacker.say(b"\x01\x00\x90", "reset"))
    yield Stranger("a drip", "protocol_error", lambda one: one.drip(record(1, NOISE[:40])))
    yield Stranger("silence", "timed_out", lambda attacker: attacker.be_silent(b""))
    yield Stranger(
        "half a hello", "timed_out", lambda one: one.be_silent(record(1, one.hello)[:50])
    )


def _says(data: bytes) -> Callable[[Attacker], None]:
    return lambda attacker: attacker.say(data)


def _send(data: bytes, one: Met) -> None:
    one.socket.sendall(data)


def _seal(content: int, payload: bytes, one: Met) -> None:
    one.send(content, payload)


def _other_domain(attacker: Attacker) -> None:
    attacker.say(record(1, attacker.hello_for("nomalum.uz")))


def _off_the_curve(attacker: Attacker) -> None:
    attacker.say(record(1, attacker.hello_for("example.uz", bytes(64))))


def _after_the_hellos() -> Iterator[Stranger]:
    def met(then: Callable[[Met], object], *, end: bool = False) -> Callable[[Attacker], None]:
        def come(attacker: Attacker) -> None:
            one = attacker.meet()
            with one.socket:
                then(one)
                listen_to_end(one.socket, end=end)

        return come

    yield Stranger("an early end", "truncated", met(lambda _: None, end=True))
    yield Stranger("an early reset", "peer_lost", _reset_early)
    raw = {
        "a forged record": ("bad_record", record(2, NOISE)),
        "a short fragment": ("bad_record", record(2, b"12345678")),
        "no fragment": ("bad_record", record(2, b"")),
        "an oversize record": ("protocol_error", b"\x02\xff\xff" + NOISE),
        "an unknown type": ("protocol_error", record(9, NOISE)),
        "a second hello": ("protocol_error", record(1, NOISE)),
        "a clear alert": ("alert_received", record(3, b"\x06\x00")),
    }
    for name, (reason, data) in raw.items():
        yield Stranger(name, reason, met(partial(_send, data)))
    sealed = {
        "a sealed alert": ("alert_received", ContentType.ALERT, b"\x06\x00"),
        "a malformed sealed alert": ("protocol_error", ContentType.ALERT, b"\x06"),
        "early data": ("protocol_error", ContentType.DATA, NOISE),
        "an early close": ("protocol_error", ContentType.CLOSE, b""),
        "no certificate": ("protocol_error", ContentType.HANDSHAKE, b"\0" + NOISE[:97]),
        "a malformed proof": ("protocol_error", ContentType.HANDSHAKE, b"\x08" + NOISE * 60),
    }
    for name, (reason, content, payload) in sealed.items():
        yield Stranger(name, reason, met(partial(_seal, content, payload)))


def _reset_early(attacker: Attacker) -> None:
    with attacker.meet().socket as connection:
        reset(connection)


def _proof(
    chain: list[bytes], key: PrivateKey | None, dst_id: str = "raw", finished: bytes | None = None
) -> Callable[[Attacker], None]:
    claim = Authentication(tuple(chain), dst_id, b"", b"").signed_part()

    def come(attacker: Attacker) -> None:
        met = attacker.meet()
        with met.socket:
            met.prove(claim, key, finished=finished)
            listen_to_end(met.socket)

    return come


def _with_a_claim(credentials: Credentials) -> Iterator[Stranger]:
    """Of those who show a certificate that is accepted."""
    user = credentials.citizen.identity
    chain, key = ders(user), user.private_key
    yield Stranger("a bad finished", "bad_signature", _proof(chain, key, finished=NOISE[:32]))
    yield Stranger("a bad signature", "bad_signature", _proof(chain, None))
    yield Stranger("an unknown destination", "unknown_destination", _proof(chain, key, "none"))
    yield Stranger("a dead destination", "destination_unreachable", _proof(chain, key, "closed"))


def _with_a_certificate(credentials: Credentials) -> Iterator[Stranger]:
    """Of those whose certificate is refused."""
    other = credentials.new_authority()
    day = timedelta(days=1)
    users: dict[str, tuple[str, Identity]] = {
        "another authority": (
            "certificate_untrusted",
            credentials.user("twin", issuer=other).identity,
        ),
        "expired": ("certificate_expired", credentials.user("old", not_after=NOW - day).identity),
        "not valid yet": (
            "certificate_expired",
            credentials.user("young", not_before=NOW + day, not_after=NOW + 2 * day).identity,
        ),
        "a domain's": (
            "certificate_unsuitable",
            credentials.user("server", extended_key_usage=frozenset({"serverAuth"})).identity,
        ),
        "no signatures": (
            "certificate_unsuitable",
            credentials.user("mute", key_usage=frozenset({"keyAgreement"})).identity,
        ),
    }
    for name, (reason, identity) in users.items():
        yield Stranger(name, reason, _proof(ders(identity), identity.private_key))
    root = credentials.authority.root
    yield Stranger("an anchor", "certificate_unsuitable", _proof(ders(root), root.private_key))
    alone = credentials.citizen.identity
    yield Stranger(
        "no centre", "certificate_untrusted", _proof([alone.leaf.der], alone.private_key)
    )
    yield Stranger("no certificate at all", "certificate_unsuitable", _proof([NOISE * 4], None))
    yield Stranger(
        "an altered one",
        "certificate_untrusted",
        _proof([altered(alone.leaf), *ders(alone)[1:]], alone.private_key),
    )
    chains = hostile_chains()
    for name in _HOSTILE:
        yield Stranger(name, "", _proof(chains[name], None))
