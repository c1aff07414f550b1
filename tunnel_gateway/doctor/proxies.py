"""Proxies that swallow the addresses of this machine: of the environment, desktop and browsers."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final

from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.browser_permission import POLICY_FOLDERS, policies
from tunnel_gateway.doctor.browser_profiles import firefox_profiles
from tunnel_gateway.doctor.commands import CommandError, output_of
from tunnel_gateway.doctor.observation import Observation

_VARIABLES: Final = ("http_proxy", "https_proxy", "all_proxy")
_LOCAL: Final = ("127.0.0.1", "localhost")
_SEPARATORS: Final = re.compile(r"[,;\s]+")
_HIJACKS: Final = '"network.proxy.allow_hijacking_localhost", true'
_MAX_SIZE: Final = 4 << 20


def proxy_of(environment: Mapping[str, str]) -> str | None:
    """Return the proxy that the environment names, without its password, or None."""
    for name in _VARIABLES:
        if value := environment.get(name) or environment.get(name.upper()):
            return _without_password(value)
    return None


def check_proxies(
    environment: Mapping[str, str], home: Path, policy_folders: Sequence[Path] = POLICY_FOLDERS
) -> Iterator[Observation]:
    """Yield an observation for each proxy that gets 127.0.0.1, or one if no proxy does."""
    observations = [
        *_of_environment(environment),
        *_of_gnome(),
        *_of_kde(home),
        *_of_firefox(home),
        *_of_policies(policy_folders),
    ]
    if all(seen.row.status == "ok" for seen in observations):
        observations.insert(0, texts.NO_PROXY_SET.seen("127.0.0.1"))
    yield from observations


def _of_environment(environment: Mapping[str, str]) -> Iterator[Observation]:
    proxy = proxy_of(environment)
    exceptions = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    if proxy is not None and not _except_this_machine(_SEPARATORS.split(exceptions)):
        yield texts.PROXY_SWALLOWS.seen("no_proxy", proxy=proxy, where="no_proxy")


def _of_gnome() -> Iterator[Observation]:
    where = "org.gnome.system.proxy"
    with suppress(CommandError):
        mode = _gsetting(where, "mode")
        if mode == "auto":
            yield texts.PROXY_SCRIPT.seen("GNOME", proxy=_gsetting(where, "autoconfig-url"))
        elif mode == "manual" and not _except_this_machine(_gsetting(where, "ignore-hosts")):
            proxy = f"{_gsetting(f'{where}.http', 'host')}:{_gsetting(f'{where}.http', 'port')}"
            yield texts.PROXY_SWALLOWS.seen("GNOME", proxy=proxy, where=f"{where} ignore-hosts")


def _gsetting(schema: str, key: str) -> Any:
    """Return a setting: GNOME prints texts and lists as Python does, but an empty list as ``@as``.

    Raises CommandError.
    """
    shown = output_of("gsettings", "get", schema, key).strip().removeprefix("@as ")
    try:
        return ast.literal_eval(shown)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise CommandError(f"gsettings answers {shown!a}") from None


def _of_kde(home: Path) -> Iterator[Observation]:
    path = home / ".config/kioslaverc"
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    with suppress(OSError, configparser.Error, UnicodeDecodeError):
        parser.read(path, encoding="utf-8")
    if not parser.has_section("Proxy Settings"):
        return
    settings = parser["Proxy Settings"]
    kind = settings.get("ProxyType", "0")
    if kind == "2":
        yield texts.PROXY_SCRIPT.seen("KDE", proxy=settings.get("Proxy Config Script", ""))
    elif kind == "1" and not _except_this_machine(
        _SEPARATORS.split(settings.get("NoProxyFor", ""))
    ):
        proxy = _without_password(settings.get("httpProxy", ""))
        yield texts.PROXY_SWALLOWS.seen("KDE", proxy=proxy, where=f"{path}: NoProxyFor")


def _of_firefox(home: Path) -> Iterator[Observation]:
    for profile in firefox_profiles(home):
        with suppress(OSError), (profile.folder / "prefs.js").open(errors="replace") as file:
            if _HIJACKS in file.read(_MAX_SIZE):
                yield texts.FIREFOX_HIJACKS.seen(str(profile.folder))


def _of_policies(folders: Sequence[Path]) -> Iterator[Observation]:
    """Chromium goes past every proxy for this machine, unless a policy has ``<-loopback>``."""
    for path, policy in policies(folders):
        inside = policy.get("ProxySettings")
        where = [policy, inside] if isinstance(inside, Mapping) else [policy]
        for settings in where:
            if "<-loopback>" in str(settings.get("ProxyBypassList", "")):
                proxy = settings.get("ProxyServer", "")
                yield texts.PROXY_SWALLOWS.seen(str(path), proxy=proxy, where="ProxyBypassList")


def _except_this_machine(exceptions: Any) -> bool:
    """Tell whether a list of exceptions has the names of this machine."""
    if not isinstance(exceptions, Sequence):
        return False
    patterns = [str(pattern).strip().lower() for pattern in exceptions]
    return all(any(_covers(pattern, name) for pattern in patterns) for name in _LOCAL)


def _covers(pattern: str, name: str) -> bool:
    if pattern in ("*", name, f".{name}", f"*.{name}", "<local>"):
        return True
    with suppress(ValueError):
        return ip_address(name) in ip_network(pattern, strict=False)
    return pattern.endswith("*") and name.startswith(pattern[:-1])


def _without_password(proxy: str) -> str:
    """Return a proxy without what stands before the at sign; not every proxy has ``http://``."""
    scheme = proxy.partition("://")[0] + "://" if "://" in proxy else ""
    _, at, host = proxy.rpartition("@")
    return scheme + host if at else proxy
