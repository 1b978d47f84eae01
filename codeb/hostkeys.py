"""SSH keys as text: the host keys of machines that we make, the same bytes from the same seed, and the public half of a key.

A machine at a cloud provider is reached for the first time by a host key that came with its user data, and by another one
of another type ever after (`first_host_key`, `host_key`), so that both can be there at the moment of the change.
"""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from codeb.secrets import RootSecret

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_MAGIC: Final = b"openssh-key-v1\0"
_BLOCK: Final = 8
_WIDTH: Final = 70


class SshKeyError(Exception):
    """A private key that can't be used; says why, never the key."""


@dataclass(frozen=True)
class SshKey:
    """A key pair: `private` as sshd reads it, `public` as one line without comment."""

    private: str = field(repr=False)
    public: str


def machine_first_key(root: RootSecret, server: str) -> SshKey:
    """The host key that the machine `server` brings with its user data."""
    return first_host_key(root.seed(f"ssh/{server}/first"))


def machine_host_key(root: RootSecret, server: str) -> SshKey:
    """The host key of the machine `server` from its first connection on."""
    return host_key(root.seed(f"ssh/{server}/host"))


def first_host_key(seed: bytes) -> SshKey:
    """An ECDSA key (nistp256) from a seed of 48 bytes, for user data."""
    key = ec.derive_private_key(int.from_bytes(seed) % (_ORDER - 1) + 1, ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return SshKey(pem.decode(), _public(key.public_key()))


def host_key(seed: bytes) -> SshKey:
    """An ed25519 key from a seed of at least 36 bytes.

    OpenSSH's own format (PROTOCOL.key), written here as the library puts a random number into it.
    """
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed[:32])
    public = _public(key.public_key())
    blob = base64.b64decode(public.split()[1])
    raw = key.public_key().public_bytes_raw()
    check = seed[32:36]
    secret = check + check + _text(b"ssh-ed25519") + _text(raw) + _text(seed[:32] + raw) + _text(b"")
    secret += bytes(range(1, 1 + -len(secret) % _BLOCK))
    whole = _MAGIC + _text(b"none") + _text(b"none") + _text(b"") + struct.pack(">I", 1)
    whole += _text(blob) + _text(secret)
    text = base64.b64encode(whole).decode()
    lines = [text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)]
    return SshKey(
        "\n".join(("-----BEGIN OPENSSH PRIVATE KEY-----", *lines, "-----END OPENSSH PRIVATE KEY-----", "")),
        public,
    )


def public_half(private: str) -> str:
    """The public line of a private key without password, in OpenSSH's or PEM form.

    Raises:
        SshKeyError: the text is no such key.
    """
    data = private.encode() + (b"" if private.endswith("\n") else b"\n")
    load = (
        serialization.load_ssh_private_key if b"OPENSSH" in data[:40] else serialization.load_pem_private_key
    )
    try:
        key = load(data, None)
    except TypeError:
        raise SshKeyError("it has a password: Pulumi logs in without anybody to type one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise SshKeyError("it is no private key in OpenSSH's or PEM form") from None
    return _public(key.public_key())  # type: ignore[arg-type]  # a key for key exchange is no SSH key: it raises


def _public(key: serialization.ssh.SSHPublicKeyTypes) -> str:
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def _text(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value
