"""A certificate by an authority that nobody keeps: its key is gone once the certificate is made."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

SPARE = timedelta(days=7)
"""A certificate that ends so soon is not one to go on with."""

_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True)
class Certificate:
    """PEM files: the authority's certificate, a server's certificate and its key."""

    ca: Path
    certificate: Path
    key: Path


def issue(folder: Path, *names: str, days: int = 2) -> Certificate:
    """A certificate for names and addresses; files go to `folder`."""
    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    whose = _name("throw-away authority")
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    ca = (
        _unsigned(whose, whose, authority.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_SIGNS, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
    )
    leaf = (
        _unsigned(_name(names[0]), whose, key.public_key(), days)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(signer, critical=False)
    )
    found = Certificate(folder / "ca.crt", folder / "server.crt", folder / "server.key")
    found.ca.write_bytes(ca.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    found.certificate.write_bytes(leaf.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    found.key.touch(mode=0o600)
    found.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return found


def lasts(certificate: Certificate) -> bool:
    """Whether all of its files are there, whole and of one making, and it is good for a week to come."""
    try:
        ca, leaf = (
            x509.load_pem_x509_certificate(path.read_bytes())
            for path in (certificate.ca, certificate.certificate)
        )
        key = load_pem_private_key(certificate.key.read_bytes(), None)
        leaf.verify_directly_issued_by(ca)
    except (OSError, ValueError, InvalidSignature):
        return False
    return key.public_key() == leaf.public_key() and leaf.not_valid_after_utc > datetime.now(UTC) + SPARE


def _general(name: str) -> x509.GeneralName:
    with suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(name))
    return x509.DNSName(name)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
    )
