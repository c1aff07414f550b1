"""A code signed with a user's key as the phone signs it, and the upload that follows.

The phone never sees the document. The ID card signs the hash of the code, and the vendor's system
makes a detached message of it, which it posts to the site's server.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime

from tunnel_gateway.cms.signing import sign_digest
from tunnel_gateway.phone.code import Code
from tunnel_gateway.pki.files.keyfiles import Identity


def make_upload(
    code: Code,
    identity: Identity,
    *,
    signing_time: datetime,
    entropy: Callable[[int], bytes],
    address: str,
) -> dict[str, str]:
    """Return the fields of the form that the vendor's system posts, by their names.

    ``signing_time`` is aware. ``entropy`` returns as many random bytes as the caller asks for.
    ``address`` is the IP address of the phone.
    """
    signed = sign_digest(
        identity.private_key,
        [certificate.der for certificate in identity.chain],
        identity.leaf.family,
        code.hash,
        signing_time=signing_time,
        entropy=entropy,
    )
    return {
        "document_id": code.document_id,
        "pkcs7_b64": b64encode(signed.der).decode(),
        "serial_number": identity.leaf.serial_hex,
        "x_real_ip": address,
    }
