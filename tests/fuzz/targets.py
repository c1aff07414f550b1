"""Every reader of what somebody else made, with the only errors it may raise.

Most read files; ``proxy_header`` reads what comes before the first byte of a connection.

A target is used twice: by the property tests in every run, with generated input, and by the
coverage-guided fuzzer of ``make fuzz``, for as long as one likes.
"""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import rest_targets, status_targets, stp_targets
from tests.support import keystores, messages, stamps
from tests.support.keystores import PASSWORD
from tests.support.pki import NOW, authority, domain, user
from tunnel_gateway.cms import composing, signed_data, time_stamp
from tunnel_gateway.cms.judging import document_digest, judge, judge_time_stamp
from tunnel_gateway.cms.stamping import MAX_REQUEST_SIZE, answer_request
from tunnel_gateway.config.configuration import load_configuration
from tunnel_gateway.config.text import MAX_SIZE
from tunnel_gateway.errors import (
    AlertReceivedError,
    CertificateError,
    CertificateUnsuitableError,
    ConfigError,
    InvalidKeyError,
    KeystoreError,
    PeerError,
    ProtocolViolationError,
    RevocationDataError,
    SignedDataError,
    TimeStampError,
)
from tunnel_gateway.gost.digest import digest
from tunnel_gateway.pki import certificate_request, responding
from tunnel_gateway.pki.certificate_request import CertificateRequest
from tunnel_gateway.pki.certificates.certificate import Certificate, parse_certificate, to_pem
from tunnel_gateway.pki.encoding import pem
from tunnel_gateway.pki.encoding.oids import FAMILY_2009, FAMILY_2024
from tunnel_gateway.pki.encoding.outline import MAX_CERTIFICATE_SIZE
from tunnel_gateway.pki.files import jks, keyfiles, pkcs8, pkcs12
from tunnel_gateway.pki.files.truststore import read_trust_anchors
from tunnel_gateway.pki.status import ocsp
from tunnel_gateway.pki.trust.validation import MAX_CHAIN_SIZE, ChainValidator
from tunnel_gateway.rest.methods.certificate_status import read_chain
from tunnel_gateway.rest.methods.verify_many import read_many
from tunnel_gateway.rest.statuses import Refusal
from tunnel_gateway.transport.wire.proxy_protocol import MAX_BLOCK, Header, HeaderReader

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Target:
    """A reader: whatever it is given, it returns or raises one of ``errors``.

    It looks into at most ``limit`` bytes.
    """

    read: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    seeds: Callable[[], list[bytes]]
    limit: int

    def __call__(self, data: bytes) -> bool:
        """Tell whether ``data`` was read without an error; other errors come through."""
        try:
            self.read(data)
        except self.errors:
            return False
        return True


def _read_pfx(data: bytes) -> None:
    found = pkcs12.Pfx(data, PASSWORD)
    for key in found.keys:
        found.decrypt(key)


def _read_certificate(data: bytes) -> None:
    """Read it in both ways: the short one may give up, but never read another certificate."""
    certificate = Certificate.from_der(data)
    try:
        the_long_way = Certificate.from_parsed(parse_certificate(data))
    except CertificateUnsuitableError as error:
        raise AssertionError("only the short way reads it") from error
    assert certificate == the_long_way


def _read_message(data: bytes) -> None:
    signed = signed_data.parse_signed_data(data)
    wanted = document_digest(signed, None if signed.content is not None else messages.DOCUMENT)
    verdict = judge(signed, wanted, ChainValidator([authority().root.leaf]), NOW)
    assert all((one.failed is None) == (one.fault is None) for one in verdict.signers)
    for signer in verdict.signers:
        if signer.fault is not None:
            raise signer.fault


def _compose(data: bytes) -> None:
    """Attach or detach, then join and stamp; what comes out must be read again."""
    with suppress(SignedDataError):
        data = composing.attach(data, messages.DOCUMENT)
    _, document = composing.detach(data)
    joined = composing.join(
        data, composing.attach(messages.made(document, detached=True).der, document)
    )
    signers = signed_data.parse_signed_data(joined).signers
    stamped = composing.stamp(joined, {signers[0].signature: b"\x30\x00"})
    assert signed_data.parse_signed_data(stamped).signers[0].time_stamp is not None


def _read_time_stamp(data: bytes) -> None:
    verdict = judge_time_stamp(
        data, digest(b"stamped"), ChainValidator([authority().root.leaf]), NOW
    )
    if verdict.fault is not None:
        raise verdict.fault


def _read_time_stamp_answer(data: bytes) -> None:
    time_stamp.read_answer(data, digest(b"stamped"), bytes(time_stamp.NONCE_SIZE))


def _answer_time_stamp_request(data: bytes) -> None:
    answer_request(data, stamps.usual(), policy=stamps.POLICY, time=NOW, entropy=os.urandom)


def _read_config(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.properties"
        path.write_bytes(data)
        load_configuration(path)


def _read_proxy_header(data: bytes) -> None:
    """Read it in one piece; what is read must come to the same when it is written and read again.

    Raises ValueError for what is only a beginning: it is no error, and nothing was read.
    """
    header = HeaderReader().receive_data(data)
    if header is None:
        raise ValueError
    for written in (header.serialize_v1(), header.serialize_v2()):
        again = HeaderReader().receive_data(written)
        assert again is not None
        assert (again.source, again.destination) == (header.source, header.destination)


def _pfx_seeds() -> list[bytes]:
    one, two = user(), user(family=FAMILY_2024)
    sec1 = keystores.sec1_info(one.private_key, FAMILY_2009)
    gost = keystores.gost_info(two.private_key, FAMILY_2024)
    certificates = [keystores.certificate_bag(each) for each in one.chain]
    marked = keystores.certificate_bag(one.leaf, "men", b"1")
    # Without encryption and MAC, a change gets further in.
    return [
        keystores.pfx(
            keystores.lot(keystores.key_bag(sec1, "men", b"1"), marked, *certificates), mac=None
        ),
        keystores.pfx(
            keystores.lot(keystores.key_bag(gost)),
            keystores.lot(*(keystores.certificate_bag(each) for each in two.chain)),
            mac=None,
        ),
        keystores.pfx(
            keystores.lot(keystores.shrouded_bag(sec1), keystores.nested_bag(*certificates)),
            mac=None,
        ),
        keystores.pfx(keystores.lot(keystores.des_bag(gost)), mac="sha1"),
        keystores.pfx(keystores.closed_lot(*certificates), mac="sha512"),
        keystores.pfx(keystores.lot(*certificates), password=b"", mac="sha256"),
    ]


def _jks_seeds() -> list[bytes]:
    root = authority().root.leaf
    return [
        keystores.jks(keystores.jks_entry(root), keystores.jks_entry(root)),
        keystores.jks(keystores.jks_entry(root, form=None), version=1),
        keystores.jks(keystores.jks_entry(root, kind=1)),
    ]


def _pem_seeds() -> list[bytes]:
    one = user()
    plain = keyfiles.private_key_to_pem(one.private_key, FAMILY_2009)
    # Few rounds: a seed is read thousands of times.
    closed = pkcs8.encrypt(
        keystores.sec1_info(one.private_key, FAMILY_2009), PASSWORD, os.urandom, 10
    )
    armoured = pem.armour("ENCRYPTED PRIVATE KEY", closed)
    return [plain + to_pem(one.chain), armoured + to_pem(one.chain), to_pem(one.chain)]


def _key_seeds() -> list[bytes]:
    key = user().private_key
    return [keystores.sec1_info(key, FAMILY_2009), keystores.gost_info(key, FAMILY_2024)]


def _closed_key_seeds() -> list[bytes]:
    found = [pkcs8.encrypt(seed, PASSWORD, os.urandom, 10) for seed in _key_seeds()]
    bag = keystores.des_bag(_key_seeds()[0])["bag_value"]
    return [*found, bytes(bag.untag().dump())]


def _certificate_seeds() -> list[bytes]:
    return [each.der for each in (*user().chain, *domain().chain, authority().root.leaf)]


def _certificate_request_seeds() -> list[bytes]:
    return [
        certificate_request.make_certificate_request(user(family=family), None, asked, os.urandom)
        for family, asked in ((FAMILY_2009, []), (FAMILY_2024, ["1.2.860.3.2.2.1.2.1"]))
    ]


def _truststore_seeds() -> list[bytes]:
    return [*_jks_seeds(), *_pfx_seeds(), *_pem_seeds()]


def _cms_seeds() -> list[bytes]:
    return [messages.made().der, messages.made(detached=True).der, messages.streamed()]


def _time_stamp_answer_seeds() -> list[bytes]:
    request = time_stamp.make_request(digest(b"stamped"), FAMILY_2009, bytes(time_stamp.NONCE_SIZE))
    answer = answer_request(
        request, stamps.usual(), policy=stamps.POLICY, time=NOW, entropy=os.urandom
    )
    refusal = answer_request(
        b"", stamps.usual(), policy=stamps.POLICY, time=NOW, entropy=os.urandom
    )
    return [answer, refusal]


def _time_stamp_request_seeds() -> list[bytes]:
    return [time_stamp.make_request(digest(b"stamped"), FAMILY_2009, bytes(range(16)))]


def _config_seeds() -> list[bytes]:
    texts = [path.read_bytes() for path in (PROJECT / "config").glob("*.properties")]
    return [*texts, b"tunnel.enabled=yes\ntunnel.servers.password=\\u0041\\\n  b\n#\n!\n"]


def _proxy_header_seeds() -> list[bytes]:
    ipv4 = Header(("198.51.100.7", 40000), ("203.0.113.1", 8843), ((2, b"example.uz"),))
    ipv6 = Header(("2001:db8::7", 40000), ("2001:db8::1", 8843), ((4, bytes(9)), (5, b"a")))
    headers = (ipv4, ipv6, Header())
    written = [one for each in headers for one in (each.serialize_v1(), each.serialize_v2())]
    without_checksum = written[1][:14] + b"\x00\x0c" + written[1][16:28]
    return [*written, without_checksum, written[0] + b"\x01\x00"]


TARGETS: dict[str, Target] = {
    "pfx": Target(_read_pfx, (KeystoreError,), functools.cache(_pfx_seeds), limit=pkcs12.MAX_SIZE),
    "jks": Target(
        lambda data: jks.read_certificates(data, PASSWORD),
        (KeystoreError,),
        functools.cache(_jks_seeds),
        limit=keyfiles.MAX_FILE_SIZE,
    ),
    "identity": Target(
        lambda data: keyfiles.read_identity(data, PASSWORD),
        (KeystoreError, InvalidKeyError, CertificateUnsuitableError),
        functools.cache(lambda: [*_pem_seeds(), *_pfx_seeds()]),
        limit=keyfiles.MAX_FILE_SIZE,
    ),
    "truststore": Target(
        lambda data: read_trust_anchors(data, PASSWORD),
        (KeystoreError, CertificateUnsuitableError),
        functools.cache(_truststore_seeds),
        limit=keyfiles.MAX_FILE_SIZE,
    ),
    "key": Target(
        pkcs8.decode, (InvalidKeyError,), functools.cache(_key_seeds), limit=pkcs8.MAX_SIZE
    ),
    "closed_key": Target(
        lambda data: pkcs8.decrypt(data, PASSWORD),
        (KeystoreError,),
        functools.cache(_closed_key_seeds),
        limit=pkcs8.MAX_SIZE,
    ),
    "certificate": Target(
        _read_certificate,
        (CertificateUnsuitableError,),
        functools.cache(_certificate_seeds),
        limit=MAX_CERTIFICATE_SIZE,
    ),
    "certificate_request": Target(
        lambda data: CertificateRequest.from_der(data).is_signed_by_its_key(),
        (ValueError,),
        functools.cache(_certificate_request_seeds),
        limit=certificate_request.MAX_REQUEST_SIZE,
    ),
    "cms": Target(
        _read_message,
        (SignedDataError, CertificateError),
        functools.cache(_cms_seeds),
        limit=64 * 1024,
    ),
    "composing": Target(_compose, (SignedDataError,), functools.cache(_cms_seeds), limit=64 * 1024),
    "verified_view": Target(
        rest_targets.show_message,
        (SignedDataError,),
        functools.cache(rest_targets.message_seeds),
        limit=64 * 1024,
    ),
    "verify_many": Target(
        read_many, (Refusal,), functools.cache(rest_targets.body_seeds), limit=64 * 1024
    ),
    "certificate_chain": Target(
        read_chain, (Refusal,), functools.cache(rest_targets.chain_seeds), limit=MAX_CHAIN_SIZE
    ),
    "time_stamp": Target(
        _read_time_stamp,
        (SignedDataError, CertificateError),
        functools.cache(lambda: [stamps.token(b"stamped"), *_cms_seeds()]),
        limit=64 * 1024,
    ),
    "time_stamp_answer": Target(
        _read_time_stamp_answer,
        (TimeStampError,),
        functools.cache(_time_stamp_answer_seeds),
        limit=time_stamp.MAX_ANSWER_SIZE,
    ),
    "time_stamp_request": Target(
        _answer_time_stamp_request,
        (),
        functools.cache(_time_stamp_request_seeds),
        limit=MAX_REQUEST_SIZE,
    ),
    "status_answer": Target(
        status_targets.read_answer,
        (RevocationDataError,),
        functools.cache(status_targets.answer_seeds),
        limit=ocsp.MAX_ANSWER_SIZE,
    ),
    "status_request": Target(
        status_targets.answer_request,
        (),
        functools.cache(status_targets.request_seeds),
        limit=responding.MAX_REQUEST_SIZE,
    ),
    "revocation_list": Target(
        status_targets.read_list,
        (RevocationDataError,),
        functools.cache(status_targets.list_seeds),
        limit=64 * 1024,
    ),
    "rest_body": Target(
        rest_targets.read_body,
        (Refusal,),
        functools.cache(rest_targets.text_seeds),
        limit=64 * 1024,
    ),
    "rest_form": Target(
        rest_targets.read_form,
        (Refusal,),
        functools.cache(rest_targets.form_seeds),
        limit=64 * 1024,
    ),
    "config": Target(_read_config, (ConfigError,), functools.cache(_config_seeds), limit=MAX_SIZE),
    "proxy_header": Target(
        _read_proxy_header,
        (ProtocolViolationError, ValueError),
        functools.cache(_proxy_header_seeds),
        limit=2 * MAX_BLOCK,
    ),
    "stp_client": Target(
        stp_targets.read_client,
        (PeerError, CertificateError),
        functools.cache(stp_targets.client_seeds),
        limit=stp_targets.LIMIT,
    ),
    "stp_server": Target(
        stp_targets.read_server,
        (PeerError, CertificateError, AlertReceivedError),
        functools.cache(stp_targets.server_seeds),
        limit=stp_targets.LIMIT,
    ),
}
