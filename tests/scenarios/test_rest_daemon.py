"""The REST service as users start it: with the vendor's file, alone or beside the tunnels."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.admin import Operator
from tests.support.credentials import FIRST_DOMAIN, Credentials
from tests.support.notify import NotifySocket
from tests.support.peer import Peer
from tests.support.processes import COMMAND, LOOPBACK, Program, ReservedPort, check_event
from tests.support.rest_daemon import RestDaemon, write_rest
from tunnel_gateway.cli.main import main
from tunnel_gateway.observability.event_table import GATEWAY_EVENTS
from tunnel_gateway.observability.rest_events import REST_EVENTS
from tunnel_gateway.pki.certificates.certificate import to_pem

EVENTS = (*GATEWAY_EVENTS, *REST_EVENTS)


def tunnel_lines(credentials: Credentials, port: int) -> str:
    """Return the lines of a file that turn the tunnels on."""
    return (
        "tunnel.enabled=yes\n"
        f"tunnel.listen.ip={LOOPBACK}\ntunnel.listen.port={port}\n"
        f"tunnel.servers.dir={credentials.servers}\n"
        f"tunnel.truststore.file={credentials.truststore}\n"
        f"tunnel.destination.0.host={LOOPBACK}\ntunnel.destination.0.port=1\n"
    )


@pytest.fixture(scope="module")
def alone(
    credentials: Credentials, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RestDaemon]:
    daemon = RestDaemon(tmp_path_factory.mktemp("alone"), credentials)
    yield daemon
    assert daemon.stop() == 0
    for line in daemon.records():
        check_event(line, EVENTS)


def test_the_vendors_file_starts_it_alone(alone: RestDaemon) -> None:
    code, answer = alone.get("/ping")
    assert code == 200
    assert answer["yourIP"] == LOOPBACK
    keys = alone.logged("keys_not_used")["keys"]
    assert {"vpn.tls.enabled", "vpn.key.password"} <= keys.keys()
    events = [line["event"] for line in alone.records()]
    assert events.count("keys_not_used") == 1
    assert "listening" not in events
    assert "19E581A1AF9382F0" not in "\n".join(alone.errors)


def test_operators_are_told_of_it_alone(
    alone: RestDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert alone.operator.ask("/readyz").status == 200
    state = alone.operator.ask("/status.json").json
    assert state["rest"]["trust_anchors"] == 1
    assert "domains" not in state
    assert "tsp.url" in "".join(state["warnings"])
    assert "REST service" in alone.operator.ask("/status").text
    assert alone.operator.metric("tunnel_gateway_limit", limit="listen.limit") == 4096
    assert main(["status", "--config", str(alone.config)]) == 0
    shown = capsys.readouterr().out
    assert "REST API" in shown
    assert "trust anchors" in shown
    assert "DOMAIN" not in shown


def test_the_vendors_keys_of_metrics_show_all_of_them_without_an_admin_address(
    alone: RestDaemon, credentials: Credentials, tmp_path: Path
) -> None:
    reserved = ReservedPort()
    more = f"metrics.server.enabled=yes\nmetrics.server.listen.port={reserved.number}\n"
    reserved.close()
    daemon = RestDaemon(tmp_path, credentials, more, admin=False)
    shown, expected = Operator(reserved.number).metrics(), alone.operator.metrics()
    assert {name for name, _ in expected} == {name for name, _ in shown}
    assert shown["tunnel_gateway_limit", frozenset({("limit", "listen.limit")})] == 4096
    assert daemon.stop() == 0


def test_its_files_are_read_again(alone: RestDaemon, credentials: Credentials) -> None:
    trust = alone.config.parent / "keys/truststore.jks"
    more = to_pem([credentials.new_authority().root.leaf])
    trust.write_bytes(trust.read_bytes() + more)
    alone.signal(signal.SIGHUP)
    line = alone.logged("reloaded")
    assert (line["rest_trust_anchors"], line["rest_trust_changed"]) == (2, True)
    good = alone.config.read_text()
    alone.config.write_text(good.replace("listen.ip", "tunnel.enabled=no\nlisten.pi"))
    alone.signal(signal.SIGHUP)
    assert "listen.pi" in alone.logged("reload_refused")["detail"]
    assert alone.get("/ping")[0] == 200
    alone.config.write_text(good)
    alone.forget()
    alone.signal(signal.SIGHUP)
    alone.logged("reloaded")


def test_calls_are_refused_while_the_memory_is_full(alone: RestDaemon) -> None:
    good = alone.config.read_text()
    for limit, event, code in ((1, "memory_full", 503), (0, "memory_free", 200)):
        alone.forget()
        alone.config.write_text(f"{good}\ntunnel.memory.limit={limit}\n")
        alone.signal(signal.SIGHUP)
        alone.logged("reloaded")
        alone.logged(event)
        assert alone.get("/ping")[0] == code
    assert alone.operator.metric("tunnel_gateway_limits_reached_total", limit="tunnel.memory.limit")
    alone.config.write_text(good)
    alone.signal(signal.SIGHUP)
    alone.logged("reloaded")


def test_both_services_in_one_daemon(
    credentials: Credentials, tmp_path: Path, manager: NotifySocket
) -> None:
    reserved = ReservedPort()
    daemon = RestDaemon(tmp_path, credentials, tunnel_lines(credentials, reserved.number))
    assert daemon.logged("listening")["address"] == f"{LOOPBACK}:{reserved.number}"
    reserved.close()
    manager.wait(lambda: manager.states() == ["READY"], "the start")
    manager.wait(
        lambda: any(
            "0 open tunnels" in one.get("STATUS", "") and "REST" in one.get("STATUS", "")
            for one in manager.look()
        ),
        "a status of both",
    )
    assert daemon.get("/ping")[0] == 200
    state = daemon.operator.ask("/status.json").json
    assert state["rest"]["trust_anchors"] == state["trust_anchors"] == 1
    assert {domain["domain"] for domain in state["domains"]} >= {FIRST_DOMAIN}
    peer = Peer((LOOPBACK, reserved.number), credentials.settings(dst_id="0"))
    with peer.socket:
        assert peer.alert() == "destination_unreachable"
    assert daemon.stop() == 0
    assert set(daemon.steps()) == {
        *("not_ready", "listener_closed", "unopened_refused", "waiting_for_tunnels"),
        *("waiting_for_calls", "rest_told", "calls_cut_off", "stopped"),
    }
    last = daemon.records()[-1]
    assert (last["event"], last["tunnels_ended"], last["calls_ended"]) == ("stopped", True, True)
    for line in daemon.records():
        check_event(line, EVENTS)


def test_the_faults_of_both_come_together(credentials: Credentials, tmp_path: Path) -> None:
    more = "tunnel.enabled=yes\ntunnel.limit=x\ncache.type=file\n"
    path = write_rest(tmp_path, credentials, 1, more)
    program = Program("the gateway", *COMMAND, "serve", "--config", str(path))
    assert program.exit_code() == 1
    said = "\n".join(program.errors)
    assert "tunnel.limit: expected" in said
    assert "cache.type: expected local or redis" in said


def test_nothing_is_turned_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.properties"
    path.write_text("tunnel.enabled=no\n")
    assert main(["serve", "--config", str(path)]) == 0
    said = "tunnel-gateway: tunnel.enabled=no, and no listen.port: nothing to do\n"
    assert capsys.readouterr().err == said
