"""The answer of the method; tests/rest/test_time_stamping.py has all that is stamped and not."""

from __future__ import annotations

from tests.support.calls import answer, stamps, verifier
from tests.support.judged import judged
from tests.support.messages import made, signer, streamed
from tunnel_gateway.rest.methods.timestamp_pkcs7 import TimestampPkcs7
from tunnel_gateway.rest.time_stamping import TimeStamping
from tunnel_gateway.rest.working import Threads

LEAF = signer().leaf


def method(threads: Threads) -> TimestampPkcs7:
    return TimestampPkcs7(TimeStamping(verifier(threads), stamps()))


async def test_one_signer(threads: Threads) -> None:
    for message in (made().der, streamed()):
        fields = await answer(method(threads), message)
        assert list(fields) == ["pkcs7b64", "timestampedSignerList"]
        (verdict,) = judged(fields["pkcs7b64"]).signers
        assert verdict.failed is None
        assert verdict.stamp is not None
        (listed,) = fields["timestampedSignerList"]
        assert listed["serialNumber"] == LEAF.serial_hex
        assert listed["subjectName"]["CN"] == "G‘ANIYEV O‘KTAM"
