"""`codeb:vault`: where the values of `environment.secrets` are, when they are not in the stack's own configuration.

HashiCorp Vault, or OpenBao, which speaks the same: secrets engine KV, version 2.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator

from codeb.model import types as t
from codeb.model.problems import refusal, shown
from codeb.model.settings.base import Optional, Setting
from codeb.model.settings.certificates import Certificates
from codeb.model.shapes import Shape

_LOOPBACK: Final = re.compile(r"http://(127\.0\.0\.1|localhost)(:[0-9]+)?(/.*)?")


def _private(text: str) -> str:
    """What is sent there opens every project's secrets, so it is encrypted, or stays on the machine."""
    if text.startswith("https://") or _LOOPBACK.fullmatch(text):
        return text.rstrip("/")
    raise refusal(
        f"{shown(text)} doesn't start with https://",
        "Write for example https://vault.example.com:8200; http is for the loopback only.",
    )


Mount = Annotated[
    str,
    Shape(
        "a mount's path",
        "Write it as `vault secrets list` does, without the slash at its end, for example secret.",
        r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*",
        longest=100,
    ),
]


class Vault(Setting):
    """A vault, and how the program logs in; with what is the secret `codeb:vaultCredentials`."""

    address: Annotated[t.WebUrl, AfterValidator(_private)]
    """Where it answers."""
    mount: Mount = "secret"
    """Where its KV engine (version 2) is mounted; a project's secrets are at `<mount>/projects/<id>`."""
    auth: Literal["approle", "token"] = "approle"
    """How to log in."""
    auth_mount: Mount = "approle"
    """Where AppRole is mounted."""
    ca: Optional[Certificates] = None
    """Certificates (PEM) that its server is trusted by, when the system doesn't trust it."""
