"""Tunnels as standard WebSockets: opened, ended with a reason, and opened again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.processes import LOOPBACK
from tests.support.signing_programs import SILENCE, SigningProgram, key, signing_program
from tests.support.web_library import Lab, run

OPEN = """globalThis.states = [];
  const options = {
    destination: "7", apiKey: "A1", onstate: ({ state, error }) => states.push(
      error ? `${state} ${error.code}` : state), ...given[0] };
  const tunnel = await web.openTunnel(options);"""
HEAR = "const hear = () => new Promise((done) => { tunnel.onmessage = ({ data }) => done(data); });"


def at(agent: SigningProgram, **more: Any) -> dict[str, Any]:
    return {"addresses": [f"ws://{LOOPBACK}:{agent.port}"], **more}


def states(seen: Any, last: str) -> list[str]:
    """Wait for a last state, and return all of them."""
    seen.page.wait_for_function("(last) => states.at(-1) === last", arg=last)
    found: list[str] = seen.page.evaluate("states")
    return found


def test_a_tunnel_is_a_websocket(lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        lines = f"""{OPEN} {HEAR}
          const heard = [await hear()];
          tunnel.send("salom");
          heard.push(await hear(), tunnel instanceof WebSocket, tunnel.readyState);
          tunnel.close();
          return heard;"""
        assert run(seen, lines, at(agent)) == ["welcome to /", "salom", True, 1]
        assert agent.names()[1:] == [
            "apikey",
            "pfx.list_all_certificates",
            "pfx.load_key",
            "tunnel.create_tunnel",
        ]
        assert agent.calls[-1] == ["tunnel.create_tunnel", "7", "key 0"]
        expected = ["finding", "creating", "connecting", "open", "closed closed"]
        assert states(seen, "closed closed") == expected


def test_a_path_a_subprotocol_and_a_key(lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        lines = f"{OPEN} {HEAR} return hear();"
        options = at(agent, path="/chat?room=1", protocols=["chat"], key=key("boshqa"))
        assert run(seen, lines, options) == "welcome to /chat?room=1 chat"
        chosen = "key: ({ keys }) => keys[0]"
        assert (
            run(
                seen,
                f"{OPEN.replace('...given', chosen + ', ...given')} {HEAR} return hear();",
                at(agent),
            )
            == "welcome to /"
        )
        assert [call[4] for call in agent.calls if call[0] == "pfx.load_key"] == [
            key("boshqa")["alias"],
            key()["alias"],
        ]


def test_no_key_is_chosen_yet(lab: Lab) -> None:
    """The value of the element is null then."""
    with signing_program() as agent, lab.page() as seen:
        assert run(seen, f"{OPEN} return tunnel.readyState;", at(agent, key=None)) == 1


def test_ten_tunnels_at_once(lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        lines = """const all = await Promise.all(Array.from({ length: 10 }, () => web.openTunnel({
            destination: "7", apiKey: "A1", ...given[0] })));
          return all.map(({ readyState }) => readyState);"""
        assert run(seen, lines, at(agent)) == [1] * 10
        assert agent.count("pfx.load_key") == 1
        assert agent.most <= 8


@pytest.mark.parametrize("address", ["evil.uz:80", "127.0.0.1:80@evil.uz", "", None])
def test_an_address_elsewhere(address: str | None, lab: Lab) -> None:
    answer = {"success": True, "address": address}
    with signing_program({"tunnel.create_tunnel": answer}) as agent, lab.page() as seen:
        assert run(seen, f"{OPEN}", at(agent))["code"] == "bad_answer"


@pytest.mark.parametrize("path", ["@evil.uz/", "0@evil.uz/", ".evil.uz/", ""])
def test_a_path_that_leads_elsewhere(path: str, lab: Lab) -> None:
    """A page may have it from a stranger."""
    with signing_program() as agent, lab.page() as seen:
        assert run(seen, OPEN, {**at(agent), "path": path})["code"] == "bad_answer"


def test_an_address_that_refuses(lab: Lab) -> None:
    answer = {"success": True, "address": f"{LOOPBACK}:9"}
    with signing_program({"tunnel.create_tunnel": answer}) as agent, lab.page() as seen:
        refusal = run(seen, OPEN, at(agent))
        assert refusal["code"] == "not_opened"
        assert refusal["message"] == f"ws://{LOOPBACK}:9/"


def test_a_signal_ends_the_opening(lab: Lab) -> None:
    with signing_program({"tunnel.create_tunnel": SILENCE}) as agent, lab.page() as seen:
        lines = OPEN.replace("...given", "signal: AbortSignal.timeout(200), ...given")
        assert run(seen, lines, at(agent))["code"] == "aborted"


def test_a_signal_leaves_an_open_tunnel_alone(lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        lines = f"""const stop = new AbortController();
          given[0].signal = stop.signal;
          {OPEN} {HEAR}
          await hear();
          stop.abort();
          tunnel.send("still here");
          return hear();"""
        assert run(seen, lines, at(agent)) == "still here"


@pytest.mark.parametrize(
    ("end", "code", "text"),
    [
        ("end 1000 bye", "closed", "The connection was closed."),
        ("end 4000 out", "closed", "The connection was closed."),
        ("end 1001 shutting_down: the gateway is stopping", "shutting_down", "No connection"),
        ("end 1011 certificate_revoked: the key", "certificate_revoked", "It failed."),
        ("end 1001 closed_by_operator: by", "closed_by_operator", "The connection was closed."),
        ("end 1001 away", "connection_lost", "No connection"),
        ("end 1013 gateway_lost: another program's words", "connection_lost", "No connection"),
        ("break", "connection_lost", "No connection"),
    ],
)
def test_why_a_tunnel_ended(end: str, code: str, text: str, lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        lines = f"""{OPEN}
          const event = await new Promise((resolve) => {{
            tunnel.onclose = resolve;
            tunnel.send(given[1]);
          }});
          const why = web.whyEnded(event);
          return [why.code, why.text("en"), why.message, why.closeCode];"""
        ended, words, message, number = run(seen, lines, at(agent), end)
        assert ended == code
        assert words.startswith(text)
        if end != "break":
            assert [str(number), message] == end.removeprefix("end ").split(" ", 1)
        assert states(seen, f"closed {code}")[-2] == "open"


def test_a_tunnel_that_comes_back(lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        again = at(agent, reconnect={"least": 10, "most": 20})
        run(seen, f"{OPEN} tunnel.send('end 1001 shutting_down: now');", again)
        found = states(seen, "open")
        seen.page.wait_for_function("states.filter((one) => one === 'open').length === 2")
        found = seen.page.evaluate("states")
        assert found[3:] == [
            "open",
            "closed shutting_down",
            "waiting shutting_down",
            "finding",
            "creating",
            "connecting",
            "open",
        ]
        assert agent.count("pfx.load_key") == 1

        agent.answers["tunnel.create_tunnel"] = {
            "success": False,
            "code": "gateway_unreachable",
            "reason": "away",
        }
        agent.tunnels[-1].close(1011, "gateway_lost: broke")
        seen.page.wait_for_function(
            "states.filter((one) => one === 'waiting gateway_unreachable').length > 3"
        )
        agent.answers["tunnel.create_tunnel"] = {
            "success": False,
            "code": "not_permitted",
            "reason": "no",
        }
        assert states(seen, "ended not_permitted")


def test_a_page_closes_for_good(lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        run(seen, f"{OPEN} tunnel.close();", at(agent, reconnect=True))
        assert states(seen, "ended closed")[-2:] == ["closed closed", "ended closed"]


def test_a_signal_ends_the_coming_back(lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        lines = f"""globalThis.stop = new AbortController();
          given[0].signal = stop.signal;
          {OPEN}
          tunnel.send("end 1001 shutting_down: now");"""
        run(seen, lines, at(agent, reconnect={"least": 60_000}))
        states(seen, "waiting shutting_down")
        seen.page.evaluate("stop.abort()")
        assert states(seen, "ended aborted")
        run(seen, lines.partition("tunnel.send")[0], at(agent, reconnect=True))
        seen.page.evaluate("stop.abort()")
        assert states(seen, "ended aborted")


def test_the_pauses_grow_until_a_tunnel_has_lasted(lab: Lab) -> None:
    with signing_program() as agent, lab.page() as seen:
        lines = """globalThis.pauses = [];
          const tunnel = await web.openTunnel({
            destination: "7", apiKey: "A1", reconnect: { least: 300, most: 600 }, ...given[0],
            onstate: ({ state, delay, socket }) => {
              if (state === "waiting") pauses.push(delay);
              if (state === "open") {
                const lives = pauses.length === 3 ? 700 : 0;
                setTimeout(() => socket.send("end 1001 shutting_down: now"), lives);
              }
            } });"""
        run(seen, lines, at(agent))
        seen.page.wait_for_function("pauses.length > 3")
        pauses = seen.page.evaluate("pauses")
        for pause, whole in zip(pauses, (300, 600, 600, 300), strict=False):
            assert whole / 2 <= pause <= whole
