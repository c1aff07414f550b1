from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, ip_network
from pathlib import Path

import pytest

from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.config.rest import MobileSettings, RestConfig
from tunnel_gateway.config.rest_keys import REST_KEYS
from tunnel_gateway.errors import ConfigError

# The guide's own example of 2.1, with the keys of two servers (2.1.1).
GUIDE = """\
# barcha tarmoq kartalarining IP-manzillaridan tinglash va portni tinglash
listen.ip=0.0.0.0  \nlisten.port=8080  \nvpn.tls.enabled=yes  \nvpn.connect.host=vpn.e-imzo.uz  \n\
vpn.connect.port=3443  \n\
vpn.key.file.path=keys/example.uz-2022-10-24.key
vpn.key.password=19E581A1AF9382F0
vpn.truststore.file.path=keys/vpn.jks
tsp.jks.file.path=keys/truststore.jks
"""
TWO_SERVERS = """\
cache.type=redis
cache.redis.host=127.0.0.1
cache.redis.port=6379
cache.redis.connect.timeout.ms=2000
cache.redis.so.timeout.ms=2000
cache.redis.password=test
cache.redis.db=0
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a configuration beside the truststore of the guide's example."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/truststore.jks").touch()
    path = tmp_path / "config.properties"

    def write_config(text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        return path

    return write_config


def rest_of(path: Path) -> RestConfig:
    rest = load_configuration(path).rest
    assert rest is not None
    return rest


def faults_of(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_configuration(path)
    return [f"{fault.key}: {fault.message}" for fault in caught.value.faults]


def test_the_guides_example_starts_the_service(write: Write, tmp_path: Path) -> None:
    configuration = load_configuration(write(GUIDE))
    assert configuration.services == {"rest"}
    rest = rest_of(write(GUIDE))
    assert (rest.listen.ip, rest.listen.port) == (str(IPv4Address(0)), 8080)
    assert rest.trust.file == tmp_path / "keys/truststore.jks"
    assert rest.challenges.cache == "local"
    assert rest.challenges.seconds == 120
    assert len(rest.not_used) == 6
    assert "tsp.url" in rest.not_used["vpn.connect.host"]


def test_two_servers_have_a_redis(write: Write) -> None:
    rest = rest_of(write(GUIDE + TWO_SERVERS))
    assert rest.challenges.cache == "redis"
    assert rest.redis.address == "redis://127.0.0.1:6379/0"
    assert rest.redis.password == b"test"
    assert "b'test'" not in repr(rest)


def test_an_address_of_redis_replaces_its_parts(write: Write) -> None:
    assert rest_of(write(f"{GUIDE}cache.redis.host=::1\n")).redis.address == "redis://[::1]:6379/0"
    rest = rest_of(write(f"{GUIDE}cache.redis.url=unix:///run/redis.sock?db=2\n"))
    assert rest.redis.address == "unix:///run/redis.sock?db=2"


def test_without_a_site_there_is_nothing_for_phones(write: Write) -> None:
    for text in (GUIDE, f"{GUIDE}mobile.siteId=\n", f"{GUIDE}mobile.ttl=60\n"):
        rest = rest_of(write(text))
        assert rest.mobile.site_id is None
        assert not rest.mobile_redis.given


def test_a_site_keeps_documents_for_phones(write: Write) -> None:
    rest = rest_of(write(f"{GUIDE}mobile.siteId=00ab\nmobile.upload.from=192.0.2.0/24\n"))
    assert rest.mobile == MobileSettings("00AB", 300, 100_000, (ip_network("192.0.2.0/24"),))
    assert not rest.mobile_redis.given


def test_documents_for_phones_can_be_in_a_redis_of_their_own(write: Write) -> None:
    vendors = """\
mobile.siteId=0000
mobile.storage.redis.host=127.0.0.1
mobile.storage.redis.password=test
mobile.storage.redis.db=3
"""
    rest = rest_of(write(GUIDE + vendors))
    assert rest.mobile_redis.given
    assert rest.mobile_redis.address == "redis://127.0.0.1:6379/3"
    assert rest.mobile_redis.password == b"test"
    assert "b'test'" not in repr(rest)
    socket = "mobile.storage.redis.url=unix:///run/redis.sock?db=2\n"
    rest = rest_of(write(f"{GUIDE}mobile.siteId=0000\n{socket}"))
    assert rest.mobile_redis.given
    assert rest.mobile_redis.address == "unix:///run/redis.sock?db=2"


def test_our_life_of_challenges_replaces_the_vendors(write: Write) -> None:
    vendors = f"{GUIDE}cache.local.key.ttl.seconds=300\n"
    assert rest_of(write(vendors)).challenges.seconds == 300
    assert rest_of(write(f"{vendors}challenge.ttl=60\n")).challenges.seconds == 60


def test_without_a_port_there_is_no_service(write: Write) -> None:
    tunnels_off = "tunnel.enabled=no\nvpn.tls.enabled=yes\ntsp.jks.file.path=nowhere\n"
    configuration = load_configuration(write(tunnels_off))
    assert configuration.rest is None
    assert configuration.services == frozenset()
    assert load_configuration(write(f"{tunnels_off}listen.port=\n")).rest is None


def test_a_file_for_the_service_without_its_port_is_told_so(write: Write) -> None:
    """Nothing is said of tunnels, which nobody asked for."""
    found = faults_of(write(GUIDE.replace("listen.port", "listen.prt")))
    assert len(found) == 2
    assert found[0].startswith("listen.port: must be given: it turns the REST service on")
    assert found[1] == "listen.prt: unknown key; did you mean listen.port?"
    found = faults_of(write("tsp.jks.file.path=nowhere\ntunnel.admin.listen=127.0.0.1:9100\n"))
    assert [fault.partition(":")[0] for fault in found] == ["listen.port", "tsp.jks.file.path"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("listen.prt=1", "listen.prt: unknown key; did you mean listen.port?"),
        ("tsp.jks.file.pth=x", "tsp.jks.file.pth: unknown key; did you mean tsp.jks.file.path?"),
        ("backend.form=::1", "backend.form: unknown key; did you mean backend.from?"),
        ("cache.redis.hots=a", "cache.redis.hots: unknown key; did you mean cache.redis.host?"),
        ("body.xyzzyplugh=1", "body.xyzzyplugh: unknown key"),
        ("metrics.server.listen.ip=a", "metrics.server.listen.ip: expected an IPv4"),
        ("listen.limit=5", "listen.limit: expected a whole number from 16"),
        ("backend.from=0.0.0.0/0", "backend.from: expected addresses or networks"),
        ("tsp.url=ftp://e-imzo.uz/cams/tst", "tsp.url: expected http://HOST/PATH"),
        ("tsp.url=http://user:pw@e-imzo.uz/", "tsp.url: expected http://HOST/PATH"),
        ("cache.type=memcached", "cache.type: expected local or redis"),
        ("auth.service.valid.minutes.window=0", "auth.service.valid.minutes.window: expected"),
        ("status.crl.dir=nowhere", "status.crl.dir: "),
        ("body.memory=100", "body.memory: too small for a document of body.limit=64: give it"),
        ("metrics.server.enabled=yes\nmetrics.server.listen.port=8080", "metrics.server.listen"),
        ("listen.ip=::", "listen.ip: given twice"),
        ("mobile.siteid=0000", "mobile.siteid: unknown key; did you mean mobile.siteId?"),
        ("mobile.siteId=000", "mobile.siteId: expected 4 hexadecimal digits"),
        ("mobile.siteId=0x00", "mobile.siteId: expected 4 hexadecimal digits"),
        ("mobile.ttl=9", "mobile.ttl: expected a number of seconds from 10 to 3600"),
        ("mobile.limit=1000001", "mobile.limit: expected a whole number from 1"),
        ("mobile.upload.from=anyone", "mobile.upload.from: expected addresses or networks"),
        ("mobile.storage.redis.url=redis://:pw@h/0", "mobile.storage.redis.url: expected redis"),
    ],
)
def test_a_mistake_is_a_fault_with_its_key(write: Write, line: str, fault: str) -> None:
    (found,) = faults_of(write(f"{GUIDE}{line}\n"))
    assert found.startswith(fault), found


def test_all_mistakes_are_told_at_once(write: Write) -> None:
    found = faults_of(write("listen.port=70000\nlisten.ip=x\nfrontend.rate=-1\n"))
    assert [fault.partition(":")[0] for fault in found] == [
        "tsp.jks.file.path",
        "listen.port",
        "listen.ip",
        "frontend.rate",
    ]


def test_a_pem_file_alone_is_enough(write: Write, tmp_path: Path) -> None:
    (tmp_path / "roots.pem").touch()
    text = GUIDE.replace("tsp.jks.file.path=keys/truststore.jks", "tsp.truststore.file=roots.pem")
    rest = rest_of(write(text))
    assert (rest.trust.file, rest.trust.more) == (None, tmp_path / "roots.pem")


def test_keys_of_nobody_are_left_alone(write: Write) -> None:
    assert rest_of(write(f"{GUIDE}something.else=1\nspring.datasource.url=x\n"))


def test_both_services_can_be_on(write: Write, tmp_path: Path) -> None:
    (tmp_path / "tunnel/servers").mkdir(parents=True)
    (tmp_path / "tunnel/truststore.jks").touch()
    tunnels = (
        "tunnel.enabled=yes\ntunnel.truststore.password=x\n"
        "tunnel.destination.0.host=192.0.2.1\ntunnel.destination.0.port=80\n"
    )
    assert load_configuration(write(GUIDE + tunnels)).services == {"tunnel", "rest"}


def test_every_key_is_a_field(write: Write) -> None:
    rest = rest_of(write(GUIDE))
    for key in REST_KEYS:
        group, _, name = key.field.rpartition(".")
        assert hasattr(getattr(rest, group) if group else rest, name), key.field


def test_keys_of_tunnels_ask_whether_there_are_tunnels(write: Write) -> None:
    """The keys of the whole daemon do not: a file for the REST service alone may have them."""
    daemon = "tunnel.log.level=debug\ntunnel.drain.timeout=1\ntunnel.memory.limit=100\n"
    configuration = load_configuration(write(GUIDE + daemon))
    assert configuration.services == {"rest"}
    assert configuration.daemon.drain_timeout == 1
    text = f"{GUIDE}tunnel.limit=5\n"
    assert "tunnel.enabled: must be given, yes or no" in faults_of(write(text))
    assert load_configuration(write(f"{text}tunnel.enabled=no\n")).services == {"rest"}
