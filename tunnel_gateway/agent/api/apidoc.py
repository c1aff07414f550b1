"""The list of functions that ``apidoc`` answers, in the form of E-IMZO: by plugins.

A page that finds two programs on the machine can tell by this list which of them makes tunnels. The
list holds nothing secret, so a page needs no API-KEY for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from tunnel_gateway.agent.calls import Function

PLUGINS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": "The service itself. Calls of these functions have no plugin.",
        "pfx": "Keys in PFX files.",
        "x509": "Certificates.",
        "pkcs7": "Signed messages, PKCS#7 and CMS.",
        "pkcs10": "Requests for certificates, PKCS#10.",
        "tsaclient": "Requests for time stamps.",
        "idcard": "ID cards: this agent does not know them.",
        "baikey": "BAIK tokens: this agent does not know them.",
        "ckc": "CKC devices: this agent does not know them.",
        "app": "The program itself.",
        "tunnel": "Tunnels to the application of the page's domain.",
    }
)

PARAMETERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "domain": "The host in the address of a page.",
        "key": "The API-KEY for this host.",
        "…": "More hosts and API-KEYs.",
        "disk": "The disk, as it was listed.",
        "path": "The folder on the disk, as it was listed.",
        "name": "The name of the file, as it was listed.",
        "alias": "The name of the key in the file, as it was listed.",
        "keyId": "The keyId that load_key has answered.",
        "id": "The keyId that load_key has answered.",
        "certificate_64": "A certificate, DER in BASE64.",
        "data_64": "The data, in BASE64.",
        "detached": "'yes': the message does not hold the data. 'no' or '': the message holds it.",
        "pkcs7_64": "A signed message, in BASE64.",
        "signer_serial_number": "The serial number of the signer's certificate, as answered.",
        "timestamp_token_64": "A time stamp token (RFC 3161) for the signature, in BASE64.",
        "signature_hex": "The signature, in hexadecimal digits, as it was answered.",
        "truststore_id": "Not used: the agent has one truststore, in its settings.",
        "requester_id": "Not used: the agent asks nobody about revocation.",
        "replacement_x500_name": "The new subject, as CN=…,O=…; empty: as in the certificate.",
        "cp_list": "The policies of the new certificate, with commas between; may be empty.",
        "pkcs10": "A request for a certificate, in BASE64 or PEM.",
        "lang": "uz or ru.",
        "dst_id": "The dst_id of the application in the gateway's configuration.",
    }
)

_OWN: Final = (
    ("version", (), "The version of E-IMZO whose functions these are."),
    ("apidoc", (), "This list."),
    ("apikey", ("domain", "key", "…"), "Open the service to this page's origin."),
)


def describe(functions: Iterable[Function]) -> list[dict[str, object]]:
    """Return the plugins with their functions, in the order of PLUGINS."""
    groups: dict[str, list[dict[str, object]]] = {plugin: [] for plugin in PLUGINS}
    for name, parameters, text in _OWN:
        groups[""].append(_description("", name, parameters, text, frozenset({"…"})))
    for each in functions:
        group = groups.setdefault(each.plugin, [])
        takes = (*each.parameters, *each.optional)
        optional = frozenset(each.optional)
        group.append(_description(each.plugin, each.name, takes, each.description, optional))
    return [
        {"name": plugin, "description": PLUGINS.get(plugin, ""), "functions": group}
        for plugin, group in groups.items()
        if group
    ]


def _description(
    plugin: str, name: str, parameters: tuple[str, ...], text: str, optional: frozenset[str]
) -> dict[str, object]:
    arguments = [
        {
            "name": parameter,
            "optional": parameter in optional,
            "description": PARAMETERS.get(parameter, ""),
        }
        for parameter in parameters
    ]
    return {"plugin": plugin, "name": name, "description": text, "arguments": arguments}
