"""Signed messages put together and taken apart: attached, detached, joined, stamped.

No signature is made and none is verified. Everything that a signature covers keeps its bytes. A
message gets a document only if the digests of its signers say that they signed this document. A
signer by the algorithms of another standard, beside one by ours, is left as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tunnel_gateway.cms.frame import (
    DATA_OID,
    MAX_CERTIFICATES,
    MAX_REVOCATION_LISTS,
    MAX_SIGNERS,
    Frame,
)
from tunnel_gateway.cms.signed_data import (
    TIME_STAMP_OID,
    Signer,
    attribute,
    join_signer,
    malformed,
    read_signer,
    split_signer,
)
from tunnel_gateway.cms.signer_checks import check_algorithms, check_digest, is_national
from tunnel_gateway.errors import BadSignedDataError, SignedDataError
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki.encoding.der import malformed_as

# Documents are compared in steps of so many bytes, between which other threads can work.
_STEP: Final = 64 * 1024


def attach(message: bytes, document: bytes) -> bytes:
    """Return the detached message with its document inside, in DER.

    Raises SignedDataError for a message that has a document inside or is malformed,
    BadSignedDataError if one of its signers signed another document. The digest of a signer by
    another standard is not looked at: it cannot be computed here.
    """
    frame, signers = _read(message)
    _expect_national(signers)
    if frame.content is not None:
        raise SignedDataError("the message has its document inside already")
    actual = digest(document)
    for signer in filter(is_national, signers):
        check_digest(signer, actual)
    return replace(frame, content=document).write()


def detach(message: bytes) -> tuple[bytes, bytes | memoryview]:
    """Return the attached message without its document, in DER, and the document.

    Raises SignedDataError for a message without a document, or a malformed one.
    """
    frame, signers = _read(message)
    _expect_national(signers)
    if frame.content is None:
        raise SignedDataError("the message is detached already")
    return replace(frame, content=None).write(), frame.content


def join(first: bytes, second: bytes) -> bytes:
    """Return one message, in DER, with the signers of both; both have the same document inside.

    A signer who is in both stays once, with the first time stamp if there is any. Another signer
    with the same signature stays beside them: somebody has copied it, and nothing is verified here.
    Raises SignedDataError if a message is detached or malformed, or if both together have too many
    signers; BadSignedDataError if the documents differ.
    """
    one, ones_signers = _read(first)
    other, others_signers = _read(second)
    _expect_national(ones_signers + others_signers)
    if one.content is None or other.content is None:
        raise SignedDataError("both messages must have their document inside; attach it first")
    if not _same(one.content, other.content):
        raise BadSignedDataError("the two messages are signatures of different documents")
    signers: dict[Signer, bytes] = {}
    stamped = set()
    for info, signer in zip(
        one.signers + other.signers, ones_signers + others_signers, strict=True
    ):
        signed = replace(signer, time_stamps=())
        if signed not in signers or (signer.time_stamps and signed not in stamped):
            signers[signed] = info
        if signer.time_stamps:
            stamped.add(signed)
    certificates = tuple(dict.fromkeys(one.certificates + other.certificates))
    lists = tuple(dict.fromkeys(one.revocation_lists + other.revocation_lists))
    algorithms = tuple(dict.fromkeys(one.digest_algorithms + other.digest_algorithms))
    for parts, limit, what in (
        (signers, MAX_SIGNERS, "signers"),
        (certificates, MAX_CERTIFICATES, "certificates"),
        (lists, MAX_REVOCATION_LISTS, "revocation lists"),
        (algorithms, MAX_SIGNERS, "digest algorithms"),
    ):
        if len(parts) > limit:
            raise SignedDataError(f"{len(parts)} {what}; {limit} is the limit")
    return replace(
        one,
        digest_algorithms=algorithms,
        certificates=certificates,
        revocation_lists=lists,
        signers=tuple(signers.values()),
    ).write()


def stamp(message: bytes, tokens: Mapping[bytes, bytes]) -> bytes:
    """Return the message, in DER, with a time stamp beside each signature that has a token here.

    ``tokens`` maps signatures to tokens (RFC 3161), both as bytes. A time stamp that is there
    already stays the first. Raises SignedDataError if the message is malformed.
    """
    frame, signers = _read(message)
    _expect_national(signers)
    infos = []
    for info, signer in zip(frame.signers, signers, strict=True):
        if token := tokens.get(signer.signature):
            parts, unsigned = split_signer(info)
            infos.append(join_signer(parts, [*unsigned, attribute(TIME_STAMP_OID, token)]))
        else:
            infos.append(info)
    return replace(frame, signers=tuple(infos)).write()


def _read(message: bytes) -> tuple[Frame, list[Signer]]:
    with malformed_as(malformed):
        frame = Frame.read(message)
        frame.expect_content(DATA_OID)
        signers = [read_signer(info) for info in frame.signers]
    if not signers:
        raise SignedDataError("nobody has signed it")
    return frame, signers


def _same(one: bytes | memoryview, other: bytes | memoryview) -> bool:
    # As bytes: views are compared value by value.
    return len(one) == len(other) and all(
        bytes(one[start : start + _STEP]) == bytes(other[start : start + _STEP])
        for start in range(0, len(one), _STEP)
    )


def _expect_national(signers: list[Signer]) -> None:
    """Raise SignedDataError if all signers are by another standard: that is not our message."""
    if not any(map(is_national, signers)):
        check_algorithms(signers[0])
