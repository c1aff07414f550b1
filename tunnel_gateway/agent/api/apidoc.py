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
        "idcard": "ID cards: this agent does not know them.",
        "baikey": "BAIK tokens: this agent does not know them.",
        "ckc": "CKC devices: this agent does not know them.",
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
        groups[""].append(_description("", name, parameters, text))
    for each in functions:
        group = groups.setdefault(each.plugin, [])
        group.append(_description(each.plugin, each.name, each.parameters, each.description))
    return [
        {"name": plugin, "description": PLUGINS.get(plugin, ""), "functions": group}
        for plugin, group in groups.items()
        if group
    ]


def _description(
    plugin: str, name: str, parameters: tuple[str, ...], text: str
) -> dict[str, object]:
    arguments = [
        {
            "name": parameter,
            "optional": parameter == "…",
            "description": PARAMETERS.get(parameter, ""),
        }
        for parameter in parameters
    ]
    return {"plugin": plugin, "name": name, "description": text, "arguments": arguments}
