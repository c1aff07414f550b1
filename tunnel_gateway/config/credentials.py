"""Passwords that systemd hands over: a file named like the key in $CREDENTIALS_DIRECTORY.

``LoadCredential=`` and ``LoadCredentialEncrypted=`` of a unit put them there, readable by the
service alone (systemd.exec(5)), so that the configuration need not hold a password. A password in
both files is a fault: nobody should have to ask which of the two is in use.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tunnel_gateway.config.values import SECRET, Entry, Kind
from tunnel_gateway.errors import Fault
from tunnel_gateway.plain_text import utf8

_MAX_SIZE: Final = 1024


def credential(key: str, kind: Kind, entry: Entry | None, faults: list[Fault]) -> bytes | None:
    """Return the password of ``key``, without white space around it; None if it is not given.

    ``entry`` is the key's line in the configuration. A password that cannot be used is added to
    ``faults``.
    """
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if kind is not SECRET or not folder:
        return None
    path = Path(folder, key)
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_SIZE + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        faults.append(Fault(f"the credential cannot be read ({error.strerror})", str(path)))
        return None
    try:
        password = utf8(data).strip()
    except ValueError:
        faults.append(Fault("damaged text in UTF-16: save it as UTF-8", str(path)))
        return None
    if entry is not None and entry.value:
        faults.append(
            entry.fault(
                f"also given as a credential, {path}: remove this line, or LoadCredential= of the"
                " unit"
            )
        )
    elif not password or len(data) > _MAX_SIZE or len(password.splitlines()) > 1:
        faults.append(
            Fault(f"a credential is one line of at most {_MAX_SIZE} bytes, a password", str(path))
        )
    return password
