"""Checks of everything that the tunnels will need: what is good, doubtful or wrong."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect as websocket

from tunnel_gateway.config.configuration import Configuration
from tunnel_gateway.config.destinations import Destination
from tunnel_gateway.config.tunnel import Config, RevocationSettings
from tunnel_gateway.config.values import Address
from tunnel_gateway.daemon.checking import Guarded, ServiceChecks
from tunnel_gateway.daemon.expiry import age_status, until
from tunnel_gateway.daemon.findings import Finding
from tunnel_gateway.dataplane.joining import thread_count, usable_cores
from tunnel_gateway.errors import (
    CertificateError,
    DestinationUnreachableError,
    Fault,
    RevocationDataError,
    TunnelGatewayError,
)
from tunnel_gateway.gateway.balancers import ClientAddress
from tunnel_gateway.gateway.destination_pool import Destinations
from tunnel_gateway.gateway.domains import Domains, read_domains
from tunnel_gateway.gateway.material import TunnelFiles
from tunnel_gateway.gateway.policy import describe, domain_faults
from tunnel_gateway.gateway.stp_checks import check_stp
from tunnel_gateway.gateway.stp_domains import stp_faults
from tunnel_gateway.pki.certificates.certificate import Certificate, format_time
from tunnel_gateway.pki.files.centres_folder import load_centres
from tunnel_gateway.pki.files.keyfiles import Identity
from tunnel_gateway.pki.files.truststore import load_trust_anchors
from tunnel_gateway.pki.status.crl import MAX_LIST_SIZE, RevocationList
from tunnel_gateway.pki.trust.validation import MAX_CHAIN_LENGTH, ChainValidator


async def _findings(configuration: Configuration) -> AsyncIterator[Finding]:
    """Yield a finding for each check of the tunnels alone."""
    config, now = configuration.tunnel, datetime.now(UTC)
    domains, domain_errors = read_domains(config.servers_dir, config.servers_password)
    keys = [(name, key) for name, keys in domains.keys_of.items() for key in keys]
    for finding in _domains(keys, domain_errors, now):
        yield finding
    anchors: list[Certificate] = []
    for finding in _trust(config, now, domains, anchors):
        yield finding
    for finding in _intermediates(config, now, anchors):
        yield finding
    if config.stp.enabled:
        for finding in _stp(config, domains, anchors, now):
            yield finding
    for finding in _revocation(config.revocation, now):
        yield finding
    for fault in domain_faults(config.destinations.values(), domains) if domains else ():
        yield Finding("policy", fault.key or "rules", "fault", str(fault))
    for destination in config.destinations.values():
        for address in destination.addresses:
            yield await _reach(destination, address, config.connect_timeout)
        yield _policy(destination)
    if config.fleet.redis is not None:
        yield await _fleet(config.fleet.redis, config.fleet.password)
    yield _threads(config.workers)


def _threads(workers: int | None) -> Finding:
    count, cores = thread_count(workers), usable_cores()
    text = f"tunnel.workers={count}; the gateway may use {cores} of the machine's cores"
    if count > cores:
        text += ": more threads than cores carry nothing faster, so leave the key out"
        return Finding("limits", "threads", "warning", text)
    return Finding("limits", "threads", "ok", text)


async def _fleet(url: str, password: bytes | None) -> Finding:
    # Imported here, so that the check of a gateway that counts alone does not load the Redis
    # library.
    from tunnel_gateway.limits.fleet import ASK_SECONDS  # noqa: PLC0415
    from tunnel_gateway.limits.redis_check import check_redis  # noqa: PLC0415
    from tunnel_gateway.limits.redis_line import RedisLine  # noqa: PLC0415

    return await check_redis("fleet", url, lambda: RedisLine(url, password, ASK_SECONDS), ("PING",))


def _guarded(configuration: Configuration) -> Guarded:
    config = configuration.tunnel
    passwords = (config.servers_password, config.truststore_password, config.fleet.password)
    folders = tuple(
        path
        for path in (config.servers_dir, config.intermediates_dir, config.revocation.crl_dir)
        if path
    )
    return Guarded(any(passwords), config.servers_dir, (config.truststore_file,), folders)


TUNNEL_CHECKS: Final = ServiceChecks(TunnelFiles(), _findings, _guarded)


def _domains(
    keys: Iterable[tuple[str, Identity]], faults: Iterable[Fault], now: datetime
) -> Iterator[Finding]:
    for name, identity in keys:
        leaf = identity.leaf
        names = ", ".join(leaf.dns_names) or leaf.common_name or "no name"
        text = (
            f"for {names}; {leaf.public_key.curve.name}, {leaf.family.name};"
            f" a chain of {len(identity.chain)}; the key matches; {until(leaf, now)}"
        )
        yield Finding("domain", name, age_status(identity.chain, now), text)
    for fault in faults:
        # Without the folder: the operator knows tunnel.servers.dir.
        text = str(fault).replace(f"{fault.file}: ", "").replace(f"{fault.file}/", "")
        yield Finding("domain", Path(fault.file).name, "fault", text)


def _trust(
    config: Config, now: datetime, domains: Mapping[str, Identity], found: list[Certificate]
) -> Iterator[Finding]:
    """Yield what is wrong with the truststore; its certificates go into ``found``."""
    file = config.truststore_file
    try:
        anchors = load_trust_anchors(file, config.truststore_password)
        validator = ChainValidator(anchors)
    except TunnelGatewayError as error:
        text = str(error).removeprefix(f"{file}: ")
        yield Finding("truststore", str(file), "fault", text)
        return
    found.extend(anchors)
    for anchor in anchors:
        yield Finding("truststore", anchor.label, age_status([anchor], now), until(anchor, now))
    for name, identity in domains.items():
        try:
            validator.verify_server([link.der for link in identity.chain], now, name)
        except CertificateError as error:
            text = f"clients that trust the same roots will refuse it: {error}"
            yield Finding("domain", name, "warning", text)


def _intermediates(
    config: Config, now: datetime, anchors: Sequence[Certificate]
) -> Iterator[Finding]:
    if config.intermediates_dir is None:
        return
    try:
        centres = load_centres(config.intermediates_dir)
    except TunnelGatewayError as error:
        yield Finding("intermediates", str(config.intermediates_dir), "fault", str(error))
        return
    if not anchors:
        return  # a fault already
    validator, chain = ChainValidator(anchors), [centre.der for centre in centres]
    for centre in centres:
        others = [der for der in chain if der != centre.der][: MAX_CHAIN_LENGTH - 1]
        try:
            validator.verify_centre([centre.der, *others], now)
        except CertificateError as error:
            text = f"leads to no trust anchor: {error}"
            yield Finding("intermediates", centre.label, "warning", text)
        else:
            yield Finding(
                "intermediates", centre.label, age_status([centre], now), until(centre, now)
            )


def _stp(
    config: Config, domains: Domains, anchors: Sequence[Certificate], now: datetime
) -> Iterator[Finding]:
    destinations, preferred = config.destinations.values(), config.stp.domain
    for fault in stp_faults(domains.keys_of, destinations, config.servers_dir, preferred):
        yield Finding("stp", fault.key or "domains", "fault", fault.message)
    folder = config.intermediates_dir
    try:
        intermediates = load_centres(folder) if folder else ()
    except TunnelGatewayError:
        intermediates = ()  # a fault already
    yield from check_stp(domains.keys_of, anchors, intermediates, now)


def _revocation(settings: RevocationSettings, now: datetime) -> Iterator[Finding]:
    if settings.mode == "off":
        text = "the gateway does not ask whether users are revoked; soft or hard would"
        yield Finding("revocation", "tunnel.revocation=off", "ok", text)
        return
    folder, cache = settings.crl_dir, settings.cache_dir
    if cache is not None and not os.access(cache, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("revocation", str(cache), "warning", "cannot be written by this user")
    if folder is None:
        return
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        text = f"no list can be read ({error.strerror}): let this user read the folder"
        yield Finding("revocation", str(folder), "fault", text)
        return
    current: set[str] = set()
    expired: list[tuple[Path, RevocationList, str]] = []
    for path in paths:
        # The gateway skips folders and devices too. A link that leads nowhere is reported.
        if path.name.startswith(".") or not (path.is_file() or not path.exists()):
            continue
        try:
            with path.open("rb") as file:
                crl = RevocationList(file.read(MAX_LIST_SIZE + 1))
        except (RevocationDataError, OSError) as error:
            yield Finding("revocation", path.name, "warning", f"is not used: {error}")
            continue
        try:
            crl.check_current(now)
        except RevocationDataError as error:
            expired.append((path, crl, str(error)))
            continue
        current.add(crl.issuer_name)
        hours = (now - crl.this_update) // timedelta(hours=1)
        text = f"{len(crl)} revoked, {hours} hours old, good until {format_time(crl.next_update)}"
        if crl.passed_over:
            text += f"; {crl.passed_over} entries match nobody: tell the centre"
        yield Finding("revocation", path.name, "ok", text)
    for path, crl, reason in expired:
        newer = crl.issuer_name in current
        yield _expired(path, reason, hard=settings.mode == "hard", newer=newer)
    if settings.mode == "hard" and not current:
        text = "no list can be used: tunnel.revocation=hard refuses users of unknown status"
        yield Finding("revocation", str(folder), "fault", text)


def _expired(path: Path, reason: str, *, hard: bool, newer: bool) -> Finding:
    text = f"is not used: {reason}"
    if newer:
        return Finding("revocation", path.name, "warning", f"{text}; there is a newer one")
    if hard:
        text += "; tunnel.revocation=hard refuses this issuer's users: fetch a new list"
    return Finding("revocation", path.name, "fault" if hard else "warning", text)


async def _reach(destination: Destination, address: Address, seconds: float) -> Finding:
    """Connect and ask for a WebSocket. An application may refuse the path ``/``."""
    name = f"dst_id {destination.id}"
    url = f"ws://{address}/"
    try:
        alone = replace(destination, addresses=(address,))
        stream = await Destinations().connect(alone, seconds)
        stream.close()
        await asyncio.to_thread(_open_and_close, alone, url, seconds)
        return Finding("destination", name, "ok", f"{url} answers a WebSocket")
    except DestinationUnreachableError as error:
        keys = f"tunnel.destination.{destination.id}.host and .port"
        text = f"{error}; start the application there, or correct {keys}"
        return Finding("destination", name, "fault", text)
    except InvalidStatus as error:
        code = error.response.status_code
        text = f"{url} answers {code} to a WebSocket on this path; pages may use another"
        return Finding("destination", name, "warning", text)
    # The library raises AssertionError if the application breaks off while we close.
    except (WebSocketException, OSError, EOFError, AssertionError) as error:
        text = f"{url} accepts connections but does not answer a WebSocket: {type(error).__name__}"
        return Finding("destination", name, "warning", text)


def _open_and_close(destination: Destination, url: str, seconds: float) -> None:
    (address,) = destination.addresses
    with socket.create_connection((address.host, address.port), seconds) as sock:
        if destination.proxy:
            here = ClientAddress.of(sock.getsockname())
            sock.sendall(here.header(destination.proxy, sock.getpeername()))
        with websocket(url, sock=sock, open_timeout=seconds, close_timeout=seconds):
            pass


def _policy(destination: Destination) -> Finding:
    open_to_all = not (destination.allow or destination.deny or destination.domains)
    note = "; no allow or deny rule is set" if open_to_all else ""
    return Finding("policy", f"dst_id {destination.id}", "ok", describe(destination) + note)
