"""A document from its first signature to its verification, over the agent's sockets."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from tests.support.credentials import Credentials
from tests.support.page import AgentService, Page
from tests.support.pki import OFFICER

Start = Callable[..., AgentService]
DOCUMENT = "Shartnoma №7".encode()
DATA = b64encode(DOCUMENT).decode()


def test_two_signers_of_a_document(start_service: Start, credentials: Credentials) -> None:
    users = {
        "citizen": credentials.citizen.identity,
        "officer": credentials.user("officer", OFFICER).identity,
    }
    page = start_service(users=users).opened()
    first, second = load_each(page)

    def pkcs7(name: str, *arguments: str) -> dict[str, object]:
        return page.call(name, *arguments, plugin="pkcs7")

    signed = pkcs7("create_pkcs7", DATA, first)
    both = pkcs7("append_pkcs7_attached", str(signed["pkcs7_64"]), second)
    verified = pkcs7("verify_pkcs7_attached", str(both["pkcs7_64"]))
    assert (verified["success"], verified["status"], verified["valid"]) == (True, 1, True)
    info = verified["pkcs7Info"]
    assert isinstance(info, dict)
    assert info["documentBase64"] == DATA
    serials = [signer["signerId"]["subjectSerialNumber"] for signer in info["signers"]]
    assert serials == [signed["signer_serial_number"], both["signer_serial_number"]]
    assert {signer["certificateVerified"] for signer in info["signers"]} == {True}

    detached = pkcs7("create_pkcs7", DATA, second, "yes")
    other = b64encode(b"boshqa").decode()
    refused = pkcs7("verify_pkcs7_detached", other, str(detached["pkcs7_64"]))
    assert (refused["success"], refused["code"]) == (False, "not_valid")
    request = page.call("get_timestamp_token_request_for_signature", str(detached["signature_hex"]))
    assert request["timestamp_request_64"]
    asked = page.call("create_pkcs10_from_key", first, plugin="pkcs10")
    shown = page.call("get_pkcs10_info", asked["pkcs10_64"], plugin="pkcs10")
    assert shown["pkcs10_info"]["verified"] is True


def load_each(page: Page) -> list[str]:
    keys = page.call("list_all_certificates", plugin="pfx")["certificates"]
    parts = [[key[part] for part in ("disk", "path", "name", "alias")] for key in keys]
    return [page.call("load_key", *each, plugin="pfx")["keyId"] for each in parts]
