"""A certificate by an authority that nobody keeps: its key is gone once the certificate is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

VALID = timedelta(days=2)


@dataclass(frozen=True)
class Certificate:
    """PEM files: the authority's certificate, a server's certificate and its key."""

    ca: Path
    certificate: Path
    key: Path


def issue(folder: Path, host: str) -> Certificate:
    """A certificate for a name, for two days; files go to `folder`."""
    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    whose = _name("throw-away authority")
    basic = x509.BasicConstraints(ca=True, path_length=0)
    ca = _unsigned(whose, whose, authority.public_key()).add_extension(basic, critical=True)
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    leaf = _unsigned(_name(host), whose, key.public_key()).add_extension(names, critical=False)
    found = Certificate(folder / "ca.crt", folder / "server.crt", folder / "server.key")
    found.ca.write_bytes(ca.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    found.certificate.write_bytes(leaf.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    found.key.touch(mode=0o600)
    found.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return found


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID)
    )
