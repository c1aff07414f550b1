"""Finding the agent beside E-IMZO, and calls that overlap, end and fail."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.https import tls_contexts
from tests.support.processes import LOOPBACK
from tests.support.signing_programs import (
    BYE,
    NOT_FOUND,
    SILENCE,
    Answer,
    eimzo,
    key,
    signing_program,
)
from tests.support.web_library import Lab, run

FIND = """const { addresses, ...more } = given[0];
  const agent = await web.findAgent({
    apiKey: "A1", addresses: addresses.map((port) => `ws://127.0.0.1:${port}`), ...more });"""
WHO = f"{FIND} return agent.address;"
RECORD = """globalThis.asked = [];
  globalThis.WebSocket = class {
    constructor(address) { asked.push(address); setTimeout(() => this.onclose()); }
    close() {}
  };"""
# What scripts of the vendor and worse may do to a page, after the library has loaded.
MEDDLE = """for (const name of Object.getOwnPropertyNames(String.prototype)) {
    if (!["constructor", "length", "toString", "valueOf"].includes(name)) {
      String.prototype[name] = () => { throw new Error(name); };
    }
  }
  Date.now = Date.UTC = () => { throw new Error("Date"); };
  globalThis.Date = class { constructor() { throw new Error("Date"); } };
  globalThis.JSON = globalThis.WebSocket = null;"""


def closed_port() -> int:
    """Return a port where nobody listens."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def test_the_agent_is_found_beside_eimzo(lab: Lab) -> None:
    with eimzo() as first, signing_program() as second, lab.page() as seen:
        address = run(seen, WHO, {"addresses": [first.port, second.port]})
        assert address == f"ws://{LOOPBACK}:{second.port}"
        assert first.names() in ([], ["apidoc"])  # the other one may be faster
        assert second.calls == [["apidoc"], ["apikey", "localhost", "A1"]]


@pytest.mark.parametrize(
    "apidoc",
    [NOT_FOUND, {"success": True}, {"success": True, "apidoc": [{}]}, "no JSON", "null", BYE],
)
def test_another_program_makes_no_tunnels(apidoc: object, lab: Lab) -> None:
    with eimzo({"apidoc": apidoc}) as first, lab.page() as seen:  # type: ignore[dict-item]
        assert run(seen, WHO, {"addresses": [first.port]})["code"] == "no_agent"


def test_eimzo_is_good_enough_to_sign(lab: Lab) -> None:
    refusing = {"apidoc": {"success": False, "status": -1021, "reason": "no"}}
    for answers in ({}, refusing):
        with eimzo(answers) as first, lab.page() as seen:
            found = run(seen, WHO, {"addresses": [first.port], "tunnels": False})
            assert found == f"ws://{LOOPBACK}:{first.port}"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_both_pairs_are_asked(scheme: str, lab: Lab) -> None:
    with lab.page(lab.site.origin(scheme), before=RECORD) as seen:
        answer = run(seen, "return web.findAgent({ apiKey: 'A1' });")
        assert answer["code"] == "no_agent"
        plain = [f"ws://127.0.0.1:{port}/service/cryptapi" for port in (64646, 64647)]
        secure = [f"wss://127.0.0.1:{port}/service/cryptapi" for port in (64443, 64444)]
        order = [*secure, *plain] if scheme == "https" else [*plain, *secure]
        assert seen.page.evaluate("asked") == order


def test_a_page_by_https(lab: Lab, tmp_path: Path) -> None:
    server, _ = tls_contexts(tmp_path)
    with signing_program(tls=server) as secure, lab.page(lab.site.origin("https")) as seen:
        address = f"wss://{LOOPBACK}:{secure.port}"
        lines = (
            f"return (await web.findAgent({{ apiKey: 'A1', addresses: ['{address}'] }})).address;"
        )
        assert run(seen, lines) == address


def test_a_program_that_accepts_and_says_nothing(lab: Lab) -> None:
    with (
        socket.create_server((LOOPBACK, 0)) as mute,
        signing_program() as agent,
        lab.page() as seen,
    ):
        port = mute.getsockname()[1]
        began = time.monotonic()
        found = run(seen, WHO, {"addresses": [port, agent.port]})
        assert found == f"ws://{LOOPBACK}:{agent.port}"
        assert time.monotonic() - began < 4
        assert run(seen, WHO, {"addresses": [port], "patience": 100})["code"] == "no_agent"


def test_a_program_that_is_only_faster_does_not_come_first(lab: Lab) -> None:
    """Another program may claim to make tunnels, too."""

    with signing_program() as first, signing_program() as second, lab.page() as seen:
        tunnels: Any = first.answers["apidoc"]

        def slowly() -> Answer:
            time.sleep(0.2)
            answer: Answer = tunnels
            return answer

        first.answers["apidoc"] = slowly
        found = run(seen, WHO, {"addresses": [first.port, second.port]})
        assert found == f"ws://{LOOPBACK}:{first.port}"
        assert second.names() in ([], ["apidoc"])  # it got no API-KEY


def test_no_failure_is_remembered(lab: Lab) -> None:
    port = closed_port()
    with lab.page() as seen:
        assert run(seen, WHO, {"addresses": [port]})["code"] == "no_agent"
        with signing_program(port=port):
            assert run(seen, WHO, {"addresses": [port]}) == f"ws://{LOOPBACK}:{port}"


def test_a_list_of_api_keys(lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        keys = ["example.uz", "A1", "localhost", "A2"]
        run(seen, WHO, {"addresses": [agent.port], "apiKey": keys})
        assert agent.calls[-1] == ["apikey", *keys]
        run(seen, WHO, {"addresses": [agent.port], "domain": "example.uz"})
        assert agent.calls[-1] == ["apikey", "example.uz", "A1"]
        agent.answers["apikey"] = {"success": False, "code": "api_key_invalid", "reason": "wrong"}
        refusal = run(seen, WHO, {"addresses": [agent.port]})
        assert (refusal["code"], refusal["message"]) == ("api_key_invalid", "wrong")
        assert refusal["uz"] == "Bajarilmadi. Sayt ma’muriga ayting: api_key_invalid, wrong"


def test_ten_calls_at_once(lab: Lab) -> None:
    with eimzo() as program, lab.page() as seen:
        lines = f"""{FIND}
          return Promise.all(Array.from({{ length: 20 }}, (_, number) => agent.call(
            "pkcs7", "create_pkcs7", btoa(`document ${{number}}`), "key", "no")));"""
        signed = run(seen, lines, {"addresses": [program.port], "tunnels": False})
        texts = seen.page.evaluate("(all) => all.map(({ pkcs7_64 }) => atob(pkcs7_64))", signed)
        assert texts == [f"signed document {number}" for number in range(20)]
        assert program.most <= 8


def test_refusals(lab: Lab) -> None:
    refusals = {
        "cancelled": {"status": -5001, "reason": "Операция отменена"},
        "key_not_found": {"status": -1010, "reason": "Ключ по идентификатору не найден"},
        "refused": {"status": -9999, "message": "something else"},
        "disk_silent": {"status": -9999, "code": "disk_silent", "reason": "dead"},
    }
    with signing_program() as agent, lab.page() as seen:
        for code, answer in refusals.items():
            agent.answers["x.y"] = {"success": False, **answer}
            lines = (
                f"{FIND} return agent.call('x', 'y').catch(({{ code, status }}) => [code, status]);"
            )
            got = run(seen, lines, {"addresses": [agent.port]})
            assert got == [code, answer["status"]]
        for broken in (BYE, "no JSON"):
            agent.answers["x.y"] = broken
            lost = run(seen, f"{FIND} return agent.call('x', 'y');", {"addresses": [agent.port]})
            assert lost["code"] == "agent_lost"
            assert lost["uz"].startswith("Xizmat bilan aloqa yo‘q")


def test_a_signal_ends_everything_that_waits(lab: Lab) -> None:
    with signing_program({"x.y": SILENCE}) as agent, lab.page() as seen:
        given = {"addresses": [agent.port]}
        done = "const signal = AbortSignal.abort(); return web.findAgent({ signal, ...given[0] });"
        assert run(seen, done, given)["code"] == "aborted"
        waiting = f"""const stop = new AbortController();
          const signal = stop.signal;
          given[0].signal = signal;
          {FIND}
          const calls = Array.from({{ length: 10 }}, () => agent.call("x", "y"));
          setTimeout(() => stop.abort("enough"), 100);
          const ends = await Promise.allSettled(calls);
          return ends.map(({{ reason }}) => [reason.code, reason.cause]);"""
        assert run(seen, waiting, given) == [["aborted", "enough"]] * 10
        # No socket is taken for ever.
        lines = f"{FIND} return agent.call('pkcs7', 'create_pkcs7', '', 'key', 'no');"
        assert run(seen, lines, given)["success"]
        agent.answers["apidoc"] = SILENCE
        finding = "return web.findAgent({ signal: AbortSignal.timeout(100), ...given[0] });"
        address = {"addresses": [f"ws://{LOOPBACK}:{agent.port}"]}
        assert run(seen, finding, address)["code"] == "aborted"


USE = f"""{FIND}
  const use = (keyId) => agent.call("x", "use", keyId);
  const key = {key()};"""


def test_a_key_is_loaded_once(lab: Lab) -> None:
    used = {"x.use": lambda key_id: {"success": True, "used": key_id}}
    with signing_program(used) as agent, lab.page() as seen:
        given = {"addresses": [agent.port]}
        lines = f"""{USE} const all = [1, 2, 3].map(() => agent.withKey(key, use));
          return (await Promise.all(all)).map(({{ used }}) => used);"""
        assert run(seen, lines, given) == ["key 0"] * 3
        assert run(seen, f"{USE} return (await agent.withKey(key, use)).used;", given) == "key 0"
        forgotten = {"success": False, "code": "key_not_found", "reason": "forgotten"}
        agent.answers["x.use"] = lambda key_id: (
            forgotten if key_id == "key 0" else {"success": True, "used": key_id}
        )
        assert run(seen, f"{USE} return (await agent.withKey(key, use)).used;", given) == "key 1"
        agent.answers["x.use"] = forgotten
        lost = run(seen, f"{USE} return agent.withKey(key, use);", given)
        assert lost["code"] == "key_not_found"
        assert lost["uz"].startswith("Kalit o‘qilmadi.")
        agent.answers["x.use"] = {"success": False, "code": "cancelled", "reason": "no"}
        before = agent.count("x.use")
        assert run(seen, f"{USE} return agent.withKey(key, use);", given)["code"] == "cancelled"
        assert agent.count("x.use") == before + 1


def test_a_caller_that_stops_does_not_stop_the_others(lab: Lab) -> None:
    loading: Iterator[Answer] = iter([SILENCE, {"success": True, "keyId": "key"}])
    with signing_program({"x.use": {"success": True}}) as agent, lab.page() as seen:
        lines = f"""const stop = new AbortController();
          given[0].signal = stop.signal;
          {USE}
          const first = agent.withKey(key, use);
          const other = await web.findAgent({{ apiKey: "A1", addresses: [agent.address] }});
          const second = other.withKey(key, (keyId) => other.call("x", "use", keyId));
          await fetch("/loading");
          stop.abort();
          const ends = await Promise.allSettled([first, second]);
          return ends.map(({{ status, reason }}) => reason?.code ?? status);"""
        agent.answers["pfx.load_key"] = lambda *_: next(loading)
        assert run(seen, lines, {"addresses": [agent.port]}) == ["aborted", "fulfilled"]


def test_other_scripts_may_change_the_page(lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        state = """[globalThis, String.prototype, Date, Promise, Array.prototype]
          .map((one) => Object.getOwnPropertyNames(one).length).join()"""
        before = seen.page.evaluate(state)
        seen.page.evaluate("async () => { await import('/web/index.js'); }")
        assert seen.page.evaluate(state) == before
        seen.page.evaluate(f"() => {{ {MEDDLE} }}")
        before = seen.page.evaluate(state)
        address = f"ws://{LOOPBACK}:{agent.port}"
        lines = f"""const options = {{
            destination: "0", apiKey: "A1", addresses: ["{address}"], lang: "ru" }};
          const tunnel = await web.openTunnel(options);
          const greeting = await new Promise((resolve) => {{
            tunnel.onmessage = ({{ data }}) => resolve(data);
          }});
          tunnel.close();
          const {{ keys }} = await web.listKeys(options);
          const {{ pkcs7 }} = await web.sign({{ document: "text", ...options }});
          return [greeting, keys[0].owner, pkcs7, new web.AgentError("aborted").text("uz-Cyrl")];"""
        answer = run(seen, lines)
        assert answer == ["welcome to /", "g‘aniyev o‘ktam", "c2lnbmVkIHRleHQ=", "Бекор қилинди."]
        assert seen.page.evaluate(state) == before
