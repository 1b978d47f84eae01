"""The platform's CA and its server certificates, the same bytes from the same seed every time.

P-256 keys made from seeds, deterministic signatures (RFC 6979), serial numbers from the public key, and
fixed dates: a second run renders the same files and changes nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOT_BEFORE: Final = datetime(2025, 1, 1)
NOT_AFTER: Final = datetime(2049, 12, 31)
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True)
class Authority:
    """A CA: certificate and key as PEM text."""

    certificate: str
    key: str = field(repr=False)


def certificate_authority(seed: bytes) -> Authority:
    """The CA that a seed of 48 bytes leads to; it may sign one level of intermediates (Caddy's)."""
    key = _key(seed)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CodeB platform CA")])
    builder = (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Authority(_pem(builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)), _key_pem(key))


def server_certificate(
    authority: Authority, seed: bytes, common_name: str, hosts: Sequence[str]
) -> tuple[str, str]:
    """Certificate and key (PEM) for a server that is reached as `hosts`: IP addresses and DNS names."""
    key = _key(seed)
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    issuer_key = serialization.load_pem_private_key(authority.key.encode(), password=None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise TypeError("the platform's CA has an elliptic-curve key")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = (
        _builder(name, issuer.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(authority_id, critical=False)
    )
    return _pem(builder.sign(issuer_key, hashes.SHA256(), ecdsa_deterministic=True)), _key_pem(key)


def _key(seed: bytes) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(seed) % (_ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1())


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(_serial(subject, public_key))
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
    )


def _serial(subject: x509.Name, public_key: ec.EllipticCurvePublicKey) -> int:
    point = public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    return int.from_bytes(sha256(subject.public_bytes() + point).digest()[:16]) | 1


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
