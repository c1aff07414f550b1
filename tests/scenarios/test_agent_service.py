"""The agent's service as pages see it: who may call, what is answered, what is refused."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.support.page import PAGE, VENDOR_KEYS, AgentService
from tests.support.processes import LOOPBACK, TIME_LIMIT, Gateway

Start = Callable[..., AgentService]


def test_what_anyone_may_ask(start_service: Start) -> None:
    service = start_service(preloaded=False)
    for origin in (PAGE, "http://yomon.uz", "null", None):
        version = service.page(origin).call("version")
        assert version["success"] is True
        assert (int(version["major"]), int(version["minor"])) >= (4, 86)
        assert isinstance(version["major"], str)
        assert (version["patch"], version["edition"]) == ("0", "tunnel-gateway")
    for origin in ("null", None, "file://"):
        page = service.page(origin)
        assert page.call("apidoc")["success"] is True
        assert page.call("yoq")["code"] == "unknown_function"
        assert page.call("create_tunnel", plugin="tunnel")["code"] == "bad_arguments"
        for name, plugin in (("apikey", None), ("list_disks", "pfx")):
            assert page.call(name, plugin=plugin)["code"] == "origin_required"


def test_an_api_key_opens_the_service_to_its_origin(start_service: Start) -> None:
    service = start_service()
    page = service.page()
    refused = page.call("list_all_certificates", plugin="pfx")
    assert refused["success"] is False
    assert refused["code"] == "api_key_required"
    assert "apikey" in refused["reason"]
    key = service.issuer.key("example.uz")
    other = service.issuer.key("yomon.uz")
    for arguments, code in (
        ((), "api_key_missing"),
        (("yomon.uz", other), "api_key_missing"),
        (("example.uz", other), "api_key_invalid"),
        (("example.uz", key[:-2]), "api_key_invalid"),
        (("example.uz", "x" * 128), "api_key_invalid"),
        (("example.uz",), "bad_arguments"),
        (("example.uz", 1), "bad_arguments"),
    ):
        assert page.call("apikey", *arguments)["code"] == code, arguments
    assert page.call("list_disks", plugin="pfx")["code"] == "api_key_required"
    installed = page.call("apikey", *VENDOR_KEYS, "example.uz", key)
    assert installed == {"success": True, "status": 1, "message": PAGE}
    readers = page.call("list_readers", plugin="idcard")
    assert readers == {"success": True, "status": 1, "readers": []}
    for stranger in ("https://example.uz:444", "https://yomon.uz"):
        refused = service.page(stranger).call("list_disks", plugin="pfx")
        assert (refused["code"], refused["status"]) == ("api_key_required", -1022)


def test_what_serves_tunnels_is_told_by_apidoc(start_service: Start) -> None:
    listed = start_service().page().call("apidoc")["apidoc"]
    (tunnel,) = (group for group in listed if group["name"] == "tunnel")
    (function,) = tunnel["functions"]
    assert {"plugin": "tunnel", "name": "create_tunnel"}.items() <= function.items()
    assert [argument["name"] for argument in function["arguments"]] == ["dst_id", "id"]


def test_a_plain_http_page_of_a_domain_is_not_its_https_page(start_service: Start) -> None:
    service = start_service()
    service.opened()
    plain = service.page("http://example.uz")
    key = service.issuer.key("example.uz")
    for name, arguments in (("apikey", ("example.uz", key)), ("list_all_certificates", ())):
        plugin = None if name == "apikey" else "pfx"
        assert plain.call(name, *arguments, plugin=plugin)["code"] == "https_required"
    service.logged("call_refused", origin="http://example.uz", code="https_required")


def test_a_plain_http_page_where_the_settings_allow_it(start_service: Start) -> None:
    service = start_service(settings="agent.http.pages=yes\n")
    assert service.opened("http://example.uz").call("list_disks", plugin="pfx")["success"] is True


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1"])
def test_the_keys_that_the_vendor_printed(start_service: Start, origin: str) -> None:
    page = start_service().page(origin)
    assert page.call("apikey", *VENDOR_KEYS)["message"] == origin
    assert page.call("list_disks", plugin="pfx")["success"] is True


def test_keys_of_one_page_are_not_anothers(start_service: Start) -> None:
    service = start_service()
    key_id = service.opened().load_key()
    other = service.opened("http://localhost", "localhost")
    answer = other.call("get_certificate_chain", key_id, plugin="x509")
    assert answer["code"] == "key_not_found"


def test_calls_that_cannot_be_read(start_service: Start) -> None:
    service = start_service()
    page = service.opened()
    with page.socket() as one:  # all on one socket
        for message, code in (
            ("", "bad_call"),
            ("{", "bad_call"),
            ("[" * 20_000, "bad_call"),
            ("[]", "bad_call"),
            ("{}", "bad_call"),
            (b'{"name":"version"}', "bad_call"),
            ('{"name":1}', "bad_call"),
            ('{"plugin":1,"name":"version"}', "bad_call"),
            ('{"name":"version","arguments":{}}', "bad_call"),
            ('{"name":"apidoc","arguments":"x"}', "bad_call"),
            ('{"name":"yoq"}', "unknown_function"),
            ('{"plugin":"yoq","name":"version"}', "unknown_function"),
            ('{"plugin":"tunnel","name":"create_tunnel"}', "bad_arguments"),
            ('{"plugin":"tunnel","name":"create_tunnel","arguments":["0",null]}', "bad_arguments"),
            ('{"plugin":"tunnel","name":"create_tunnel","arguments":[0,"x"]}', "key_not_found"),
            ('{"plugin":null,"name":"version"}', None),
        ):
            one.send(message)
            answer = json.loads(one.recv(TIME_LIMIT))
            assert answer.get("code") == code, message
            assert answer["success"] is (code is None)


def test_a_large_call_only_with_an_api_key(start_service: Start) -> None:
    service = start_service()
    call = json.dumps({"plugin": "pkcs7", "name": "create_pkcs7", "arguments": ["A" * 10**6] * 3})
    with service.page().socket() as one:
        one.send(call)
        with pytest.raises(ConnectionClosed) as caught:
            one.recv(TIME_LIMIT)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1009
    assert service.opened().send(call)["code"] == "bad_detached"


def test_a_page_script_closes_without_a_failure(start_service: Start) -> None:
    with start_service().page().socket() as one:
        one.send('{"name":"version"}')
        one.recv(TIME_LIMIT)
        one.protocol.send_close()
        one.socket.sendall(b"".join(one.protocol.data_to_send()))
        with pytest.raises(ConnectionClosed) as caught:
            one.recv(TIME_LIMIT)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1000


def http(port: int, *lines: str) -> str:
    with socket.create_connection((LOOPBACK, port), TIME_LIMIT) as plain:
        plain.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        found = b""
        while data := plain.recv(65536):
            found += data
    return found.decode()


@pytest.mark.parametrize(
    "host",
    ["yomon.uz", "yomon.uz:64646", "127.0.0.1.yomon.uz", "localhost.yomon.uz", "", "10.0.0.1"],
)
def test_another_name_for_this_machine_is_refused(start_service: Start, host: str) -> None:
    service = start_service()
    with pytest.raises(InvalidStatus) as caught:
        service.page().socket(additional_headers={"Host": host}).close()
    assert caught.value.response.status_code in (400, 403)


def test_other_places_are_not_there(start_service: Start) -> None:
    port = start_service().ports["ws_port"]
    for path in ("/", "/service", "/service/cryptapi/", "/service/cryptapi?x=1"):
        answer = http(port, f"GET {path} HTTP/1.1", "Host: localhost")
        assert answer.startswith("HTTP/1.1 404 "), path
    assert http(port, "GET /service/cryptapi HTTP/1.1", "Host: localhost").startswith("HTTP/1.1 4")


def test_only_so_many_sockets(start_service: Start) -> None:
    page = start_service().opened()
    with ExitStack() as stack:
        sockets = [stack.enter_context(page.socket()) for _ in range(16)]
        assert page.call("apidoc")["code"] == "too_many_sockets"
        for one in sockets:
            one.send('{"name":"version"}')
            assert json.loads(one.recv(TIME_LIMIT))["success"] is True
    assert page.call("apidoc")["success"] is True


def test_by_tls_with_a_certificate_of_this_machine(start_service: Start) -> None:
    service = start_service()
    port = service.ports["wss_port"]
    context = ssl.create_default_context(cafile=str(service.state / "local-ca.pem"))
    for host in ("127.0.0.1", "localhost"):
        url = f"wss://{host}:{port}/service/cryptapi"
        with connect(url, ssl=context, proxy=None) as one:
            one.send('{"name":"version"}')
            assert json.loads(one.recv(TIME_LIMIT))["success"] is True


def test_its_first_line_names_the_gateways_that_it_knows(
    start_service: Start, gateway: Gateway
) -> None:
    service = start_service(domains=["example.uz", "misol.uz"])
    line = service.logged("listening", ws=service.ports["ws_port"])
    place = f"{LOOPBACK}:{gateway.port}"
    assert line["gateways"] == [f"example.uz={place}", f"misol.uz={place}"]


def test_a_port_that_is_taken(start_service: Start) -> None:
    first = start_service()
    second = start_service(more=("--ws-port", str(first.ports["ws_port"])))
    assert second.exit_code() == 1
    assert "another agent may be running" in second.last_words()
    assert second.output == []


def test_when_it_stops_sockets_are_closed_in_order(start_service: Start) -> None:
    service = start_service()
    with service.page().socket() as one:
        assert service.stop() == 0
        with pytest.raises(ConnectionClosed) as caught:
            one.recv(TIME_LIMIT)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1001
