"""Lists, OCSP answers of every kind, good and lying, and an http server that hands them out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from asn1crypto import core, ocsp, x509

from tests.support.loopback import LOOPBACK
from tunnel_gateway.gost import signature
from tunnel_gateway.gost.curves import PrivateKey
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.authority import USER, issue
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding import ber, tags
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.listing import issue_list
from tunnel_gateway.pki.status.revoked_info import RevokedInfo

HOUR = timedelta(hours=1)
NOCHECK_OID = "1.3.6.1.5.5.7.48.1.5"


_NOTHING = core.ParsableOctetString(core.Null().dump())


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def make_list(issuer: Identity, *revoked: int, at: datetime | None = None, **changes: Any) -> bytes:
    """A list of serial numbers, made an hour ago and good for one more."""
    moment = at or now()
    times = {"this_update": moment - HOUR, "next_update": moment + HOUR} | changes
    return issue_list(
        issuer,
        dict.fromkeys(revoked, RevokedInfo(moment - 2 * HOUR, None)),
        entropy=os.urandom,
        **times,
    )


def with_entries(issuer: Identity, *entries: bytes, at: datetime, extra: bytes = b"") -> bytes:
    """A list with these entries, whatever they are, each in DER; ``extra`` is one extension."""
    body, algorithm, _ = ber.read(make_list(issuer, 1, at=at)).children()
    *head, _, extensions = body.children()
    (listed,) = extensions.children()
    parts = [bytes(one.whole) for one in head]
    parts.append(ber.write(tags.SEQUENCE, b"".join(entries)))
    parts.append(ber.write(0xA0, ber.write(tags.SEQUENCE, bytes(listed.contents) + extra)))
    signed = ber.write(tags.SEQUENCE, b"".join(parts))
    value = signature.sign(issuer.private_key, digest(signed), os.urandom(32))
    sealed = core.OctetBitString(value).dump()
    return ber.write(tags.SEQUENCE, signed + bytes(algorithm.whole) + sealed)


def entry(serial: bytes, since: bytes = b"\x17\x0d260301100000Z", more: bytes = b"") -> bytes:
    """An entry: the contents of its INTEGER, the whole of its date, and what follows."""
    return ber.write(tags.SEQUENCE, ber.write(tags.INTEGER, serial) + since + more)


def places(crl: str | None = None, responder: str | None = None) -> tuple[x509.Extension, ...]:
    """The extensions that say where to ask."""
    found = []
    if crl is not None:
        name = x509.GeneralName(name="uniform_resource_identifier", value=crl)
        place = x509.DistributionPointName(name="full_name", value=[name])
        point = {"distribution_point": place}
        found.append(x509.Extension({"extn_id": "crl_distribution_points", "extn_value": [point]}))
    if responder is not None:
        name = x509.GeneralName(name="uniform_resource_identifier", value=responder)
        access = {"access_method": "ocsp", "access_location": name}
        found.append(
            x509.Extension({"extn_id": "authority_information_access", "extn_value": [access]})
        )
    return tuple(found)


def delegate(
    issuer: Identity, *purposes: str, at: datetime, nocheck: bool = True, **changes: Any
) -> Identity:
    """A responder's certificate; ``changes`` are fields of the profile."""
    extensions: tuple[x509.Extension, ...] = ()
    if nocheck:
        extensions = (x509.Extension({"extn_id": NOCHECK_OID, "extn_value": core.Null()}),)
    profile = replace(
        USER,
        key_usage=frozenset({"digitalSignature"}),
        extended_key_usage=frozenset(purposes),
        policies=None,
        extensions=extensions,
        **changes,
    )
    return issue(issuer, [("CN", "Responder")], profile, now=at, entropy=os.urandom)


@dataclass
class Reply:
    """What a responder says; the defaults are those of an honest one.

    ``nonce`` None echoes the request's, b"" leaves it out. ``shown`` are the certificates in it.
    """

    signer: Identity
    issuer: Certificate
    status: str = "good"
    serial: int | None = None
    this_update: datetime | None = None
    next_update: datetime | None = None
    unlimited: bool = False
    nonce: bytes | None = None
    shown: list[Certificate] = field(default_factory=list)
    by_key: bool = False
    extension: str | None = None
    key: PrivateKey | None = None

    def __call__(self, request: bytes) -> bytes:
        """The DER of the answer to a request."""
        asked = ocsp.OCSPRequest.load(request)
        identifier = asked["tbs_request"]["request_list"][0]["req_cert"].copy()
        if self.serial is not None:
            identifier["serial_number"] = self.serial
        moment = self.this_update or now() - timedelta(minutes=1)
        single = {
            "cert_id": identifier,
            "cert_status": _status(self.status, moment),
            "this_update": moment,
        }
        if not self.unlimited:
            single["next_update"] = self.next_update or moment + HOUR
        signer = x509.Certificate.load(self.signer.leaf.der)
        named = (
            ocsp.ResponderId(name="by_key", value=signer.public_key.sha1)
            if self.by_key
            else ocsp.ResponderId(name="by_name", value=signer.subject)
        )
        body: dict[str, Any] = {
            "responder_id": named,
            "produced_at": moment,
            "responses": [single],
        }
        nonce = asked.nonce_value.native if self.nonce is None else self.nonce
        extensions = []
        if nonce:
            extensions.append({"extn_id": "nonce", "extn_value": core.OctetString(nonce)})
        if self.extension is not None:
            extensions.append({"extn_id": self.extension, "critical": True, "extn_value": _NOTHING})
        if extensions:
            body["response_extensions"] = extensions
        return self._sign(ocsp.ResponseData(body))

    def _sign(self, body: ocsp.ResponseData) -> bytes:
        signed = signature.sign(
            self.key or self.signer.private_key, digest(body.dump()), os.urandom(32)
        )
        basic: dict[str, Any] = {
            "tbs_response_data": body,
            "signature_algorithm": {"algorithm": self.signer.leaf.family.signature_oid},
            "signature": signed,
        }
        if self.shown:
            basic["certs"] = [x509.Certificate.load(one.der) for one in self.shown]
        wrapped = {
            "response_type": "basic_ocsp_response",
            "response": ocsp.BasicOCSPResponse(basic),
        }
        whole = {"response_status": "successful", "response_bytes": wrapped}
        return bytes(ocsp.OCSPResponse(whole).dump())


def _status(name: str, moment: datetime) -> ocsp.CertStatus:
    if name == "revoked":
        facts = {"revocation_time": moment, "revocation_reason": "key_compromise"}
        return ocsp.CertStatus(name="revoked", value=ocsp.RevokedInfo(facts))
    return ocsp.CertStatus(name=name, value=core.Null())


class Site:
    """An http server; ``pages`` are bytes, or functions of the request's body, by path."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes | Callable[[bytes], bytes]] = {}
        self.asked: list[str] = []
        self.arrived = asyncio.Event()
        self.hold: asyncio.Event | None = None
        self.port = 0

    def url(self, path: str) -> str:
        return f"http://{LOOPBACK}:{self.port}{path}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        self.arrived.set()
        if self.hold is not None:
            await self.hold.wait()
        page = self.pages.get(request.path)
        if page is None:
            raise web.HTTPNotFound
        if request.path == "/moved":
            raise web.HTTPFound(self.url("/elsewhere"))
        body = page if isinstance(page, bytes) else page(await request.read())
        return web.Response(body=body)


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """A server on the loopback."""
    made = Site()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    listening = web.TCPSite(runner, LOOPBACK, 0)
    await listening.start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()
