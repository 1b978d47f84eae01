"""By what PostgreSQL tells who knows a password (RFC 5802, 7677): it is given this instead, as `\\password` of psql does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final

VERIFIER: Final = re.compile(r"SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+")
_ITERATIONS: Final = 4096


def verifier(password: str, salt: bytes | None = None) -> str:
    """Of a password that has letters and digits alone: `SCRAM-SHA-256$4096:…`.

    Without `salt` it is the same each time, so that what is set already is known again.
    """
    salt = hashlib.sha256(b"codeb/archive/salt\n" + password.encode()).digest()[:16] if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${_ITERATIONS}:{salt64}${stored64}:{server64}"
