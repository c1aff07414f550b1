"""The addresses at which a development authority answers, as its certificates name them.

A certificate names where its status can be asked (OCSP), where the list of revoked certificates is
(CRL), and where the certificate of its issuer is (RFC 5280, sections 4.2.1.13 and 4.2.2.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from asn1crypto import x509

from tunnel_gateway.pki.certificates.certificate import Certificate

# The two issuers, by the names of their files and addresses.
ROOT_NAME: Final = "root"
CENTRE_NAME: Final = "centre"

OCSP_PATH: Final = "/ocsp"
TSA_PATH: Final = "/tsa"

HOST: Final = "127.0.0.1"
_BASE: Final = re.compile(rf"http://{re.escape(HOST)}:([0-9]{{1,5}})", re.ASCII)
_MAX_PORT: Final = 65535


def list_path(issuer: str) -> str:
    """Return the path of an issuer's revocation list."""
    return f"/crl/{issuer}.crl"


def certificate_path(issuer: str) -> str:
    """Return the path of an issuer's certificate."""
    return f"/certificates/{issuer}.cer"


@dataclass(frozen=True, slots=True)
class Services:
    """The addresses of a development authority at a ``port`` of the loopback."""

    port: int

    @classmethod
    def at(cls, base: str) -> Self:
        """Read ``http://127.0.0.1:PORT``; ValueError for other texts."""
        match = _BASE.fullmatch(base)
        if match is None or not 0 < int(match[1]) <= _MAX_PORT:
            raise ValueError(f"not an address such as http://{HOST}:8085: {base!a}")
        return cls(int(match[1]))

    @classmethod
    def named_in(cls, certificate: Certificate) -> Self | None:
        """Return the services that ``certificate`` names, None if they are not of this kind."""
        for url in certificate.ocsp_urls:
            try:
                return cls.at(url.removesuffix(OCSP_PATH))
            except ValueError:
                continue
        return None

    @property
    def base(self) -> str:
        """The address without a path."""
        return f"http://{HOST}:{self.port}"

    @property
    def ocsp(self) -> str:
        """Where the status of a certificate is asked (RFC 6960)."""
        return f"{self.base}{OCSP_PATH}"

    @property
    def tsa(self) -> str:
        """Where time stamps are given (RFC 3161)."""
        return f"{self.base}{TSA_PATH}"

    def list_of(self, issuer: str) -> str:
        """Return where the revocation list of an issuer is."""
        return f"{self.base}{list_path(issuer)}"

    def certificate_of(self, issuer: str) -> str:
        """Return where the certificate of an issuer is."""
        return f"{self.base}{certificate_path(issuer)}"

    def extensions(self, issuer: str) -> tuple[x509.Extension, ...]:
        """Return what a certificate of an issuer says of where to ask about it."""
        point = x509.DistributionPointName(name="full_name", value=[uri(self.list_of(issuer))])
        access = [
            {"access_method": "ocsp", "access_location": uri(self.ocsp)},
            {"access_method": "ca_issuers", "access_location": uri(self.certificate_of(issuer))},
        ]
        return (
            x509.Extension(
                {
                    "extn_id": "crl_distribution_points",
                    "extn_value": [{"distribution_point": point}],
                }
            ),
            x509.Extension({"extn_id": "authority_information_access", "extn_value": access}),
        )


# No other program of this project, and none of the vendor's, listens there.
DEFAULT: Final = Services(8085)


def uri(url: str) -> x509.GeneralName:
    """Return an address as a name."""
    return x509.GeneralName(name="uniform_resource_identifier", value=url)
