"""``tunnel-gateway agent trust``: how to make browsers trust this machine's certificate."""

from __future__ import annotations

from datetime import UTC, datetime

from tunnel_gateway.agent.api.local_certificate import LocalCertificate

_LESSON = """\
The agent's https pages need wss://127.0.0.1, and its certificate was made on this machine. Its
authority can sign for 127.0.0.1 and localhost only; browsers that do not know it refuse. This
command changes nothing. To trust the authority

  {authority}
  SHA-256 {fingerprint}

Chromium and Chrome on Linux (certutil is in libnss3-tools):
  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n tunnel-gateway-agent -i "{authority}"

Firefox, with the folder of your profile (about:profiles shows it):
  certutil -d sql:PROFILE -A -t C,, -n tunnel-gateway-agent -i "{authority}"
  or: Settings, Privacy & Security, View Certificates, Authorities, Import

Debian and its kin, for curl and the like, not for browsers:
  sudo cp "{authority}" /usr/local/share/ca-certificates/tunnel-gateway-agent.crt
  sudo update-ca-certificates

macOS (not tried by us):
  security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db "{authority}"

Windows (not tried by us):
  certutil -user -addstore Root "{authority}"
"""


def show(certificate: LocalCertificate) -> int:
    """Print it, for certificates that are made if they are not there; returns 0."""
    certificate.ensure(datetime.now(UTC))
    authority = certificate.authority.resolve()
    print(_LESSON.format(authority=authority, fingerprint=certificate.fingerprint()), end="")
    return 0
