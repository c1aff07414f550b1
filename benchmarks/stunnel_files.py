"""Keys, certificates and configurations for a pair of stunnels, made with openssl."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.gost_engine import CONFIGURATION
from benchmarks.places import LOOPBACK
from benchmarks.programs import BenchmarkError

_ENGINE = f"""\
{CONFIGURATION}[req]
distinguished_name = empty
[empty]
"""
_COMMON = """\
foreground = yes
pid =
syslog = no
{lines}
sessionResume = no
CAfile = {folder}/ca.pem
verifyChain = yes
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
"""
_SERVICE = """
[tunnel]
accept = {host}:{accept}
connect = {host}:{connect}
cert = {folder}/{name}.pem
key = {folder}/{name}.key
"""


@dataclass(frozen=True, slots=True)
class Suite:
    """The suite of a pair: ``lines`` of its configuration, and how openssl makes its keys."""

    name: str
    lines: str
    key: tuple[str, ...]
    engine: bool = False


GOST = Suite(
    "stunnel-gost",
    "engine = gost\nsslVersionMax = TLSv1.2\n"
    "ciphers = GOST2012-GOST8912-GOST8912:LEGACY-GOST2012-GOST8912-GOST8912",
    ("gost2012_256", "-pkeyopt", "paramset:A"),
    engine=True,
)
AES = Suite("stunnel-aes", "sslVersion = TLSv1.3", ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"))


@dataclass(frozen=True, slots=True)
class Files:
    """The two configurations, and the environment that the two programs need."""

    folder: Path
    server: Path
    client: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def write_files(folder: Path, suite: Suite, near: int, between: int, far: int) -> Files:
    """Write what a pair needs to carry connections from ``near`` by ``between`` to ``far``.

    Keys and certificates are made the first time. Raises BenchmarkError when openssl fails.
    """
    folder.mkdir(exist_ok=True)
    environment: dict[str, str] = {}
    if suite.engine:
        engine = folder / "openssl.cnf"
        engine.write_text(_ENGINE, encoding="utf-8")
        environment["OPENSSL_CONF"] = str(engine)
    if not (folder / "ca.pem").exists():
        _certify(folder, suite, environment)
    common = _COMMON.format(lines=suite.lines, folder=folder)

    def write(name: str, accept: int, connect: int, more: str) -> Path:
        service = _SERVICE.format(
            host=LOOPBACK, accept=accept, connect=connect, folder=folder, name=name
        )
        path = folder / f"{name}.conf"
        path.write_text(common + service + more, encoding="utf-8")
        return path

    server = write("server", between, far, "requireCert = yes\n")
    client = write("client", near, between, "client = yes\n")
    return Files(folder, server, client, environment)


def _certify(folder: Path, suite: Suite, environment: Mapping[str, str]) -> None:
    engine = ("-engine", "gost") if suite.engine else ()

    def openssl(*arguments: str) -> None:
        try:
            subprocess.run(
                ("openssl", *arguments[:1], *engine, *arguments[1:]),
                cwd=folder,
                env={"PATH": "/usr/bin:/bin", **environment},
                check=True,
                capture_output=True,
            )
        except FileNotFoundError:
            raise BenchmarkError(
                "openssl is missing: run scripts/system-packages --for-benchmarks"
            ) from None
        except subprocess.CalledProcessError as error:
            words = error.stderr.decode(errors="replace")
            raise BenchmarkError(f"openssl {arguments[0]} failed:\n{words}") from None

    def request(name: str, output: str, *more: str) -> None:
        key = ("-newkey", *suite.key, "-nodes", "-keyout", f"{name}.key")
        openssl("req", "-new", *key, "-subj", f"/CN={name}", "-out", output, *more)

    request("ca", "ca.pem", "-x509", "-days", "30")
    for name in ("server", "client"):
        request(name, f"{name}.csr")
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", "-days", "30"),
            *("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        )
    for path in folder.glob("*.key"):
        path.chmod(0o600)
