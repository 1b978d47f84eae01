"""Keys of age, made from a seed: what seals backups, and what opens them.

Source: C2SP's age.md (an identity is Bech32 of 32 bytes, `AGE-SECRET-KEY-1…`, a recipient of its X25519 public key, `age1…`)
and BIP 173 (Bech32). The tests have the real `age` read both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

SEED_BYTES: Final = 32
_LETTERS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def age_identity(seed: bytes) -> str:
    """The secret half; `seed` has 32 bytes."""
    return _bech32("age-secret-key-", _exactly(seed)).upper()


def age_recipient(seed: bytes) -> str:
    """The public half."""
    return _bech32("age", X25519PrivateKey.from_private_bytes(_exactly(seed)).public_key().public_bytes_raw())


def _exactly(seed: bytes) -> bytes:
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a key of age takes {SEED_BYTES} bytes, not {len(seed)}")
    return seed


def _bech32(prefix: str, data: bytes) -> str:
    values = _fives(data)
    stretched = [*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix)]
    check = _polymod([*stretched, *values, 0, 0, 0, 0, 0, 0]) ^ 1
    values += [(check >> 5 * (5 - place)) & 31 for place in range(6)]
    return f"{prefix}1{''.join(_LETTERS[value] for value in values)}"


def _fives(data: bytes) -> list[int]:
    """The same bits in groups of five, zeros at the end."""
    bits = "".join(f"{byte:08b}" for byte in data)
    return [int(bits[at : at + 5].ljust(5, "0"), 2) for at in range(0, len(bits), 5)]


def _polymod(values: Iterable[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, factor in enumerate(_GENERATOR):
            check ^= factor if top >> place & 1 else 0
    return check
