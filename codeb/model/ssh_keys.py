"""Public SSH keys, one line each, as `~/.ssh/id_ed25519.pub` has them."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from typing import Annotated, Final

from pydantic import AfterValidator

from codeb.model.problems import refusal, shown
from codeb.model.shapes import refuse_markers

_TYPES: Final = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_COMMENT: Final = r"[A-Za-z0-9@._+-][A-Za-z0-9@._+ -]{0,99}"
_LINE: Final = re.compile(
    rf"({'|'.join(map(re.escape, _TYPES))}) ([A-Za-z0-9+/]{{40,1200}}={{0,2}})(?: ({_COMMENT}))?"
)
_SMALLEST_RSA: Final = 2048
_REMEDY: Final = "Copy the one line of the file that ends in .pub, for example ~/.ssh/id_ed25519.pub."


def _public_key(text: str) -> str:
    """Type, key and perhaps a comment, with one space between them."""
    if "PRIVATE KEY" in text:
        raise refusal("is a private key, which belongs to nobody else", _REMEDY)
    line = _LINE.fullmatch(text.strip() if text.strip() == text.rstrip("\n") else text)
    if line is None:
        raise refusal(f"{shown(text)} is not a public SSH key", _REMEDY)
    kind, blob, comment = line.groups()
    parts = _parts(blob)
    if not parts or parts[0] != kind.encode():
        raise refusal(f"the key of {shown(comment or kind)} is damaged", _REMEDY)
    if kind == "ssh-rsa" and (len(parts) != 3 or int.from_bytes(parts[2]).bit_length() < _SMALLEST_RSA):
        raise refusal(
            f"the key of {shown(comment or kind)} has less than {_SMALLEST_RSA} bits",
            "Make a new one: ssh-keygen -t ed25519.",
        )
    return refuse_markers(" ".join(part for part in (kind, blob, comment) if part).strip())


def _parts(blob: str) -> list[bytes]:
    """The strings that a key is made of; none when it is cut off."""
    try:
        rest = base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        return []
    found = []
    while rest:
        if len(rest) < 4 or len(rest) - 4 < (length := struct.unpack(">I", rest[:4])[0]):
            return []
        found.append(rest[4 : 4 + length])
        rest = rest[4 + length :]
    return found


def _distinct(keys: tuple[str, ...]) -> tuple[str, ...]:
    seen: list[str] = []
    for index, key in enumerate(keys):
        if key.split(" ")[1] in seen:
            raise refusal("is the same key as one before", "Remove one of the two.", at=(index,))
        seen.append(key.split(" ")[1])
    return keys


PublicKey = Annotated[str, AfterValidator(_public_key)]
"""A line of an authorized_keys file without options: type, key, comment."""
DistinctKeys = AfterValidator(_distinct)
"""No key twice, whatever its comment."""
