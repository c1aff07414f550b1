"""The files of the user's side: settings, trust anchors, the certificate of the wss address."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from tunnel_gateway.agent.api.local_certificate import LocalCertificate, read_certificate
from tunnel_gateway.agent.neighbour import user_name
from tunnel_gateway.agent.settings import AgentSettings, load_settings
from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.observation import Observation, Row
from tunnel_gateway.errors import ConfigError, TunnelGatewayError
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.files.truststore import load_trust_anchors

SOON: Final = timedelta(days=30)
_USUAL: Final = "tunnel-gateway/agent.properties"


def usual_settings(environment: Mapping[str, str], home: Path) -> Path | None:
    """Return the agent's settings in the user's folder for settings, if they are there."""
    base = environment.get("XDG_CONFIG_HOME")
    path = (Path(base) if base else home / ".config") / _USUAL
    return path if path.is_file() else None


def check_settings(
    settings_file: Path | None, run_conf: Path | None
) -> tuple[AgentSettings | None, list[Observation]]:
    """Read the settings as the agent does; None with an observation for each fault."""
    try:
        settings = load_settings(settings_file, run_conf)
    except ConfigError as error:
        return None, [_wrong(str(fault)) for fault in error.faults]
    subject = str(settings_file or run_conf or _USUAL)
    if not settings.gateways:
        return settings, [texts.NO_GATEWAYS.seen(subject)]
    gateways = ", ".join(f"{domain}={address}" for domain, address in settings.gateways.items())
    return settings, [texts.SETTINGS_GOOD.seen(subject, gateways=gateways)]


def _wrong(fault: str) -> Observation:
    where, _, text = fault.partition(": ")
    return texts.SETTINGS_WRONG.seen(where, fault=text or fault)


def load_anchors(settings: AgentSettings) -> tuple[list[Certificate], list[Observation]]:
    """Load the trust anchors; an observation says why they are missing."""
    if settings.truststore_file is None:
        missing = [texts.NO_TRUSTSTORE.seen("agent.truststore.file")] if settings.gateways else []
        return [], missing
    file = settings.truststore_file
    try:
        return list(load_trust_anchors(file, settings.truststore_password)), []
    except TunnelGatewayError as error:
        text = str(error).removeprefix(f"{file}: ")
        return [], [texts.TRUSTSTORE_WRONG.seen(str(file), fault=text)]


def check_anchor(anchor: Certificate, now: datetime) -> Observation:
    """Judge the period of a trust anchor."""
    row = row_of_period(
        anchor.not_after, now, (texts.ANCHOR_GOOD, texts.ANCHOR_ENDS, texts.ANCHOR_ENDED)
    )
    return row.seen(anchor.label, until=f"{anchor.not_after:%Y-%m-%d}")


def row_of_period(until: datetime, now: datetime, rows: tuple[Row, Row, Row]) -> Row:
    """Return the row for a period that is long enough, ends soon, or has ended."""
    good, soon, ended = rows
    if until < now:
        return ended
    return soon if until - now < SOON else good


def check_dialog(environment: Mapping[str, str], *, on_terminal: bool) -> Observation:
    """Tell how the agent would ask for a password in this session."""
    program = shutil.which("pinentry")
    if program is None:
        return texts.DIALOG_ON_TERMINAL.seen("pinentry")
    names = ("DISPLAY", "WAYLAND_DISPLAY", "GPG_TTY")
    has_screen = sys.platform != "linux" or any(map(environment.get, names))
    row = texts.DIALOG_GOOD if has_screen or on_terminal else texts.DIALOG_NO_SCREEN
    return row.seen(program)


def check_owner(folder: Path, environment: Mapping[str, str]) -> Iterator[Observation]:
    """Yield an observation for a folder of another user, and for a doctor that runs by sudo."""
    if not hasattr(os, "getuid"):  # on Windows
        return
    me, sudo = os.getuid(), environment.get("SUDO_USER")
    if me == 0 and sudo not in (None, "root"):
        yield texts.BY_SUDO.seen("sudo", user=sudo)
    if me and folder.exists() and (owner := folder.stat().st_uid) != me:
        yield texts.FOLDER_OF_OTHER.seen(
            str(folder), folder=folder, user=user_name(owner), me=user_name(me)
        )


def check_certificate(local: LocalCertificate, now: datetime) -> Observation:
    """Judge the certificate that the agent has made for https pages."""
    certificate = read_certificate(local.server)
    authority = read_certificate(local.authority)
    subject = str(local.server)
    if certificate is None or authority is None:
        return texts.CERTIFICATE_ABSENT.seen(subject)
    since = max(certificate.not_valid_before_utc, authority.not_valid_before_utc)
    until = min(certificate.not_valid_after_utc, authority.not_valid_after_utc)
    row = texts.CERTIFICATE_GOOD if since <= now < until else texts.CERTIFICATE_ENDED
    return row.seen(subject, since=f"{since:%Y-%m-%d}", until=f"{until:%Y-%m-%d}")
