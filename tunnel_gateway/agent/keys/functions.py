"""The functions that list keys, load a key and show its certificates."""

from __future__ import annotations

from collections.abc import Sequence

from tunnel_gateway.agent.base64_fields import from_base64, to_base64
from tunnel_gateway.agent.calls import Caller, Function, FunctionTable, Result
from tunnel_gateway.agent.keys.certificate_info import certificate_info
from tunnel_gateway.agent.keys.files import KeyFile, KeyFiles
from tunnel_gateway.agent.keys.keyring import Keyring
from tunnel_gateway.agent.keys.questions import Purpose
from tunnel_gateway.agent.reasons import refused
from tunnel_gateway.errors import CertificateUnsuitableError
from tunnel_gateway.pki.certificates.certificate import Certificate
from tunnel_gateway.pki.encoding.outline import MAX_CERTIFICATE_SIZE


def key_functions(keyring: Keyring, files: KeyFiles) -> list[Function]:
    """Return the functions of ``pfx`` and ``x509``."""
    keys = _Keys(keyring, files)
    pfx, x509 = FunctionTable("pfx"), FunctionTable("x509")
    pfx.add(keys.list_disks, "Disks on which keys are looked for.")
    pfx.add(keys.list_certificates, "Keys on one disk.", ("disk",))
    pfx.add(keys.list_all_certificates, "Keys on all disks.")
    pfx.add(
        keys.load_key,
        "Load a key as it was listed; the reply's keyId names it from then on.",
        ("disk", "path", "name", "alias"),
    )
    pfx.add(keys.unload_key, "Forget a loaded key.", ("keyId",))
    pfx.add(keys.verify_password, "Ask for the key's password now.", ("keyId",))
    x509.add(
        keys.get_certificate_chain,
        "The certificates of a loaded key, its owner's first, in BASE64.",
        ("keyId",),
    )
    x509.add(keys.get_certificate_info, "What a certificate says.", ("certificate_64",))
    return [*pfx.functions, *x509.functions]


class _Keys:
    def __init__(self, keyring: Keyring, files: KeyFiles) -> None:
        self._keyring = keyring
        self._files = files

    async def list_disks(self, _: Caller, __: Sequence[str]) -> Result:
        names, silent = await self._files.disks()
        return {"disks": names, "silent_disks": silent}

    async def list_certificates(self, _: Caller, arguments: Sequence[str]) -> Result:
        (disk,) = arguments
        return {"certificates": _shown(await self._files.list_disk(disk))}

    async def list_all_certificates(self, _: Caller, __: Sequence[str]) -> Result:
        keys, silent = await self._files.list_all()
        return {"certificates": _shown(keys), "silent_disks": silent}

    async def load_key(self, caller: Caller, arguments: Sequence[str]) -> Result:
        disk, path, name, alias = arguments
        closed = await self._files.load(disk, path, name, alias)
        return {"keyId": self._keyring.load(caller, closed), "type": "PFX"}

    async def unload_key(self, caller: Caller, arguments: Sequence[str]) -> Result:
        self._keyring.unload(caller, arguments[0])
        return {}

    async def verify_password(self, caller: Caller, arguments: Sequence[str]) -> Result:
        await self._keyring.identity(caller, arguments[0], purpose=Purpose.PASSWORD)
        return {}

    async def get_certificate_chain(self, caller: Caller, arguments: Sequence[str]) -> Result:
        identity = await self._keyring.identity(caller, arguments[0], purpose=Purpose.CERTIFICATES)
        return {"certificates": [to_base64(certificate.der) for certificate in identity.chain]}

    async def get_certificate_info(self, _: Caller, arguments: Sequence[str]) -> Result:
        der = from_base64(arguments[0], MAX_CERTIFICATE_SIZE)
        try:
            certificate = Certificate.from_der(der)
        except CertificateUnsuitableError:
            raise refused("bad_certificate") from None
        return {"certificate_info": certificate_info(certificate)}


def _shown(keys: list[KeyFile]) -> list[dict[str, str]]:
    return [
        {"disk": key.disk, "path": key.path, "name": key.name, "alias": key.alias} for key in keys
    ]
