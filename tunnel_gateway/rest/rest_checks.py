"""Checks of everything that the REST service will need: what is good, doubtful or wrong."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from tunnel_gateway.config.configuration import Configuration
from tunnel_gateway.config.rest import RedisSettings, RestConfig, StatusSettings
from tunnel_gateway.config.values import join_host_and_port
from tunnel_gateway.daemon.checking import Guarded, ServiceChecks
from tunnel_gateway.daemon.expiry import age_status, until
from tunnel_gateway.daemon.findings import Finding
from tunnel_gateway.errors import TunnelGatewayError
from tunnel_gateway.os_errors import sentence
from tunnel_gateway.rest.callers import CallerRules, doubtful_proxies
from tunnel_gateway.rest.rest_material import RestFiles, RestMaterial

_PORTS: Final = {"http": 80, "https": 443}


async def _findings(configuration: Configuration) -> AsyncIterator[Finding]:
    """Yield a finding for each check of the REST service alone."""
    config = RestFiles().settings(configuration)
    for remedy in dict.fromkeys(config.not_used.values()):
        names = [name for name, own in config.not_used.items() if own == remedy]
        yield Finding("configuration", ", ".join(names), "ok", remedy)
    for finding in await asyncio.to_thread(list, _trust(config)):
        yield finding
    for finding in _status(config.status):
        yield finding
    rules = CallerRules(config.backend_from, config.frontend.proxies, None)
    if proxies := doubtful_proxies(rules):
        text = (
            f"not set, so the proxy {proxies} may call /backend: if it passes that on, anyone may."
            " Set it to the application's address; add the proxy's if the application calls"
            " through it"
        )
        yield Finding("callers", "backend.from", "warning", text)
    if config.mobile.site_id is not None and config.mobile.upload_from is None:
        text = (
            "not set, so anybody may upload signatures, and the vendor's system may be as fast as"
            " one user: set it to the addresses that the log line mobile_upload shows"
        )
        yield Finding("uploads of phones", "mobile.upload.from", "warning", text)
    if config.stamps.url is None:
        text = "no time stamps are given: set it to the address of an authority (RFC 3161)"
        yield Finding("time stamps", "tsp.url", "warning", text)
    else:
        yield await _reach("time stamps", config.stamps.url, config.stamps.timeout)
    for url in (config.status.ocsp_url, config.status.crl_url):
        if url is not None:
            yield await _reach("status", url, config.status.timeout)
    async for finding in _stores(config):
        yield finding


def _trust(config: RestConfig) -> Iterator[Finding]:
    try:
        material = RestMaterial.load(config)
    except (TunnelGatewayError, OSError) as error:
        yield Finding("truststore", "REST", "fault", str(error))
        return
    now = datetime.now(UTC)
    for anchor in material.trust_anchors:
        yield Finding("truststore", anchor.label, age_status([anchor], now), until(anchor, now))
    if material.unchecked:
        text = "not set, so nobody notices a change of the truststore"
        yield Finding("truststore", "tsp.jks.file.password", "warning", text)


def _status(settings: StatusSettings) -> Iterator[Finding]:
    folder, cache = settings.crl_dir, settings.cache_dir
    if cache is not None and not os.access(cache, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("status", str(cache), "warning", "cannot be written by this user")
    if folder is not None and not os.access(folder, os.R_OK | os.X_OK):
        yield Finding("status", str(folder), "fault", "cannot be read by this user")


async def _stores(config: RestConfig) -> AsyncIterator[Finding]:
    """Yield a finding for each Redis, and for one that several servers seem to lack."""
    challenges, phones = config.challenges.cache == "redis", config.mobile.site_id is not None
    documents = phones and config.mobile_redis.given
    if config.mobile_redis.given and not phones:
        text = "not set, so there are no methods for phones"
        yield Finding("documents for phones", "mobile.siteId", "warning", text)
    if phones and not documents and (challenges or config.listen.reuseport):
        text = (
            "not set, so a document that one server begins for a phone is unknown to the others:"
            " set it to the address of a Redis"
        )
        yield Finding("documents for phones", "mobile.storage.redis.host", "warning", text)
    if challenges or documents:
        # Imported here, so that the check of a server without a Redis does not load its library.
        from tunnel_gateway.rest import redis_challenges  # noqa: PLC0415
        from tunnel_gateway.rest.mobile import redis_documents  # noqa: PLC0415

        if challenges:
            yield await _redis("challenges", config.redis, redis_challenges.PROBE)
        if documents:
            yield await _redis("documents for phones", config.mobile_redis, redis_documents.PROBE)


async def _redis(area: str, redis: RedisSettings, probe: tuple[str, ...]) -> Finding:
    from tunnel_gateway.limits.redis_check import check_redis  # noqa: PLC0415
    from tunnel_gateway.rest.kept_redis import line_to  # noqa: PLC0415

    return await check_redis(area, redis.address, lambda: line_to(redis), probe)


async def _reach(area: str, url: str, seconds: float) -> Finding:
    parts = urlsplit(url)
    address = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    return await _connect(area, address, seconds, url)


async def _connect(area: str, address: tuple[str, int], seconds: float, name: str) -> Finding:
    """Connect, and close again without a byte."""
    where = join_host_and_port(*address)
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(*address)
    except TimeoutError:
        return Finding(area, name, "warning", f"{where} did not answer within {seconds:g} s")
    except OSError as error:
        text = f"{where} cannot be reached: {sentence(error)}"
        return Finding(area, name, "warning", text)
    writer.close()
    return Finding(area, name, "ok", f"{where} takes connections")


def _guarded(configuration: Configuration) -> Guarded:
    config = RestFiles().settings(configuration)
    passwords = config.trust.password, config.redis.password
    folders = () if config.status.crl_dir is None else (config.status.crl_dir,)
    files = tuple(RestFiles().files(configuration))
    return Guarded(any(passwords), configuration.file, files, folders)


REST_CHECKS: Final = ServiceChecks(RestFiles(), _findings, _guarded)
