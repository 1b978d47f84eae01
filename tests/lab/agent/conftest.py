"""The agent's own lab host, set up once a session."""

from __future__ import annotations

import datetime

import pytest
from agent_documents import bundle
from agent_lab import NAME, AgentHost, build_image, install
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab.host import Lab

MODES = {
    "v1": "good",
    "v2": "good",
    "v3": "good",
    "crash": "crash",
    "sick": "sick",
    "slow": "slow",
    "deaf": "deaf",
}


def authority() -> tuple[str, str]:
    """A CA for Caddy, as PEM: certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "agent tests")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


@pytest.fixture(scope="session")
def ca() -> tuple[str, str]:
    return authority()


@pytest.fixture(scope="session")
def host(ca: tuple[str, str]) -> AgentHost:
    """A host with the agent, Caddy, Redis and the images; nothing of an earlier session."""
    lab = Lab.here()
    lab.ensure_hosts((NAME,))
    host = AgentHost(lab)
    install(host)
    host.agent("retire")
    answer = host.agent("apply", bundle(*ca))
    assert answer.code == 0, answer.err
    for version, mode in MODES.items():
        build_image(host, version, mode)
    return host


@pytest.fixture
def project(host: AgentHost) -> str:
    """An id that nothing is left of."""
    host.agent("remove", {"project": "agent-one"})
    return "agent-one"
