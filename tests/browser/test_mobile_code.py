"""The helper that makes the code for a phone (demo/page/mobile.js), in a real Chromium."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Error

from tests.support.browser import Visit, World, visit
from tests.vectors import load
from tunnel_gateway.gost.digest import digest

SEED = 1994
MEGABYTES = 5
LONGEST_PAUSE = 0.5  # seconds without a frame; a slice takes some hundredths on a quiet machine


@pytest.fixture(scope="module")
def seen(browser: Browser, world: World) -> Iterator[Visit]:
    """A page of the site that does nothing by itself."""
    with visit(browser, f"{world.pages.origin('http')}/settings.json") as page:
        yield page
        page.check_console()


def run(seen: Visit, lines: str, given: object = None) -> Any:
    """Run lines that may use the two files; the bytes of a text in hex are ``bytes(text)``."""
    return seen.page.evaluate(
        f"""async (given) => {{
          const {{ Gost94, gost94 }} = await import("/gost94.js");
          const {{ codeOf, crc32, deeplinkOf }} = await import("/mobile.js");
          const bytes = (text) =>
            Uint8Array.from(text.match(/../g) ?? [], (byte) => parseInt(byte, 16));
          const hex = (digest) =>
            Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
          {lines}
        }}""",
        given,
    )


def test_published_digests(seen: Visit) -> None:
    for vector in load("digest")["digest"]:
        found = run(seen, "return hex(await gost94(bytes(given)));", vector["text"].encode().hex())
        assert found == vector["digest"]


def test_every_length_up_to_300(seen: Visit) -> None:
    source = random.Random(SEED)  # noqa: S311 (the same each time)
    messages = [source.randbytes(length) for length in range(301)]
    messages += [bytes([255]) * length for length in (31, 32, 33, 64, 4096)]
    found = run(
        seen,
        "return Promise.all(given.map(async (text) => hex(await gost94(bytes(text)))));",
        [message.hex() for message in messages],
    )
    assert found == [digest(message).hex() for message in messages]


def test_parts_of_any_length(seen: Visit) -> None:
    source = random.Random(SEED)  # noqa: S311 (the same each time)
    parts = [source.randbytes(source.randrange(100)) for _ in range(60)]
    found = run(
        seen,
        """const whole = new Gost94();
        for (const part of given) whole.update(bytes(part));
        return hex(whole.digest());""",
        [part.hex() for part in parts],
    )
    assert found == digest(b"".join(parts)).hex()


def test_a_large_document_leaves_the_page_alive(seen: Visit) -> None:
    found = run(
        seen,
        """const document = new Uint8Array(given * 1e6).map((_, at) => at % 251);
        let [last, longest] = [performance.now(), 0];
        const watching = setInterval(() => {
          const now = performance.now();
          [last, longest] = [now, Math.max(longest, now - last)];
        });
        const digest = hex(await gost94(document));
        clearInterval(watching);
        return { digest, longest };""",
        MEGABYTES,
    )
    assert found["digest"] == digest(bytes(at % 251 for at in range(MEGABYTES * 10**6))).hex()
    assert 0 < found["longest"] < LONGEST_PAUSE * 1000


def test_the_code_and_the_deeplink(seen: Visit) -> None:
    source = random.Random(SEED)  # noqa: S311 (the same each time)
    for length in (0, 1, 64, 1000):
        signed = source.randbytes(length)
        site_id, document_id = source.randbytes(2).hex().upper(), source.randbytes(4).hex().upper()
        first = site_id + document_id + digest(signed).hex()
        wanted = f"{first}{zlib.crc32(bytes.fromhex(first)):08x}"
        code, link = run(
            seen,
            """const code = await codeOf(given[0], given[1], bytes(given[2]));
            return [code, deeplinkOf(code)];""",
            [site_id, document_id, signed.hex()],
        )
        assert code == wanted
        assert link == f"eimzo://sign?qc={wanted}"


def test_crc32(seen: Visit) -> None:
    for message in (b"", b"123456789", bytes(range(256))):
        assert run(seen, "return crc32(bytes(given));", message.hex()) == zlib.crc32(message)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ('"000", "2944F1F2", new Uint8Array()', "siteId"),
        ('"0000", "2944F1F", new Uint8Array()', "documentId"),
        ('"0000", undefined, new Uint8Array()', "documentId"),
        ('"0000", "2944F1F2", "U2Fsb20="', "Uint8Array"),
    ],
)
def test_what_cannot_be_a_code(given: str, why: str, seen: Visit) -> None:
    with pytest.raises(Error, match=why):
        run(seen, f"return codeOf({given});")
