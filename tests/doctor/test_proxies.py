"""Proxies that get 127.0.0.1, as the environment, desktops and browsers keep them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.programs import Programs
from tunnel_gateway.doctor import texts
from tunnel_gateway.doctor.observation import Observation
from tunnel_gateway.doctor.proxies import check_proxies, proxy_of

PROXY = {"http_proxy": "http://proxy.uz:3128"}


def bad(home: Path, environment: dict[str, str], *folders: Path) -> list[Observation]:
    return [
        seen
        for seen in check_proxies(environment, home, folders)
        if seen.row is not texts.NO_PROXY_SET
    ]


def test_no_proxy(tmp_path: Path, programs: Programs) -> None:
    (seen,) = check_proxies({}, tmp_path, ())
    assert seen.row is texts.NO_PROXY_SET


@pytest.mark.parametrize(
    ("exceptions", "good"),
    [
        ("", False),
        ("example.uz", False),
        ("localhost", False),
        ("127.0.0.1", False),
        ("localhost,127.0.0.1", True),
        (" LOCALHOST , 127.0.0.0/8 ", True),
        ("localhost,127.*", True),
        ("localhost 127.0.0.1", True),
        ("*", True),
        ("localhost,10.0.0.0/8", False),
    ],
)
def test_the_environment(
    tmp_path: Path, programs: Programs, exceptions: str, *, good: bool
) -> None:
    seen = bad(tmp_path, PROXY | {"no_proxy": exceptions})
    assert [each.row for each in seen] == ([] if good else [texts.PROXY_SWALLOWS])


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
def test_every_variable(tmp_path: Path, programs: Programs, name: str) -> None:
    assert [each.subject for each in bad(tmp_path, {name: "proxy:1"})] == ["no_proxy"]
    assert bad(tmp_path, {name: "proxy:1", "NO_PROXY": "localhost,127.0.0.1"}) == []


def test_no_password_is_shown() -> None:
    assert proxy_of({"http_proxy": "http://me:sir@proxy.uz:1"}) == "http://proxy.uz:1"
    assert proxy_of({"http_proxy": "me:s@ir@proxy.uz:1"}) == "proxy.uz:1"
    assert proxy_of({"http_proxy": "http://[odd"}) == "http://[odd"
    assert proxy_of({}) is None


def gnome(programs: Programs, mode: str, exceptions: str) -> None:
    programs.add(
        "gsettings",
        f"""case "$2 $3" in
        "org.gnome.system.proxy mode") echo "'{mode}'";;
        "org.gnome.system.proxy ignore-hosts") echo "{exceptions}";;
        "org.gnome.system.proxy autoconfig-url") echo "'http://proxy.uz/a.pac'";;
        "org.gnome.system.proxy.http host") echo "'proxy.uz'";;
        "org.gnome.system.proxy.http port") echo 3128;;
        esac""",
    )


@pytest.mark.parametrize(
    ("mode", "exceptions", "row"),
    [
        ("none", "@as []", None),
        ("manual", "['localhost', '127.0.0.0/8', '::1']", None),
        ("manual", "@as []", texts.PROXY_SWALLOWS),
        ("manual", "['example.uz']", texts.PROXY_SWALLOWS),
        ("manual", "rubbish", None),
        ("manual", "5", texts.PROXY_SWALLOWS),
        ("auto", "@as []", texts.PROXY_SCRIPT),
    ],
)
def test_gnome(tmp_path: Path, programs: Programs, mode: str, exceptions: str, row: object) -> None:
    gnome(programs, mode, exceptions)
    seen = bad(tmp_path, {})
    assert [each.row for each in seen] == ([] if row is None else [row])
    if row is texts.PROXY_SWALLOWS:
        assert seen[0].facts["proxy"] == "proxy.uz:3128"


@pytest.mark.parametrize(
    ("content", "row"),
    [
        ("ProxyType=0", None),
        ("ProxyType=1\nNoProxyFor=localhost,127.0.0.1\nhttpProxy=http://p 1", None),
        ("ProxyType=1\nhttpProxy=http://me:sir@p 1", texts.PROXY_SWALLOWS),
        ("ProxyType=2\nProxy Config Script=http://p/a.pac", texts.PROXY_SCRIPT),
    ],
)
def test_kde(tmp_path: Path, programs: Programs, content: str, row: object) -> None:
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config/kioslaverc").write_text(f"[Proxy Settings]\n{content}\n")
    seen = bad(tmp_path, {})
    assert [each.row for each in seen] == ([] if row is None else [row])
    assert not any("sir" in each.facts["proxy"] for each in seen)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a=1", b"[Other]\n"])
def test_kde_without_these_settings(tmp_path: Path, programs: Programs, content: bytes) -> None:
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config/kioslaverc").write_bytes(content)
    assert bad(tmp_path, {}) == []


@pytest.mark.parametrize("value", ["true", "false"])
def test_firefox(tmp_path: Path, programs: Programs, value: str) -> None:
    path = tmp_path / ".mozilla/firefox/a.default/prefs.js"
    path.parent.mkdir(parents=True)
    path.write_text(f'user_pref("network.proxy.allow_hijacking_localhost", {value});\n')
    rows = [each.row for each in bad(tmp_path, {})]
    assert rows == ([texts.FIREFOX_HIJACKS] if value == "true" else [])


@pytest.mark.parametrize(
    "content",
    [
        '{"ProxyServer": "p:1", "ProxyBypassList": "<-loopback>;a.uz"}',
        '{"ProxySettings": {"ProxyServer": "p:1", "ProxyBypassList": "<-loopback>"}}',
    ],
)
def test_a_policy_of_chromium(tmp_path: Path, programs: Programs, content: str) -> None:
    folder = tmp_path / "managed"
    folder.mkdir()
    (folder / "proxy.json").write_text(content)
    (seen,) = bad(tmp_path, {}, folder)
    assert seen.row is texts.PROXY_SWALLOWS
    assert seen.facts["proxy"] == "p:1"
    (folder / "proxy.json").write_text('{"ProxyServer": "p:1", "ProxyBypassList": "a.uz"}')
    assert bad(tmp_path, {}, folder) == []
