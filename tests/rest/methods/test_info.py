from __future__ import annotations

import json
from datetime import UTC, datetime

from tests.support.credentials import Credentials
from tunnel_gateway.pki.files.truststore import load_trust_anchors
from tunnel_gateway.rest.answers import success
from tunnel_gateway.rest.call import Call, Caller
from tunnel_gateway.rest.methods.info import Info

NOW = datetime(2022, 10, 6, 11, 47, 29, 500, UTC)


async def test_it_tells_the_version_the_time_and_the_trust_anchors(
    credentials: Credentials,
) -> None:
    anchors = load_trust_anchors(credentials.truststore)
    info = Info("1.2.3", anchors, lambda: NOW)
    answer = success(await info.answer(Call("/info", Caller("127.0.0.1"))))
    told = json.loads(b"".join(answer.pieces()))
    assert list(told) == ["version", "serverTime", "serverTimeUtc", "trustedCertificates"]
    assert (told["version"], told["serverTime"]) == ("1.2.3", "2022.10.06 16:47:29")
    (trusted,) = told["trustedCertificates"]
    assert trusted["serialNumber"] == anchors[0].serial_hex
    assert trusted["subjectInfo"]["CN"] in anchors[0].subject
    assert {"validFrom", "validTo"} <= trusted.keys()
    assert "vpnKeyInfo" not in told
