"""The API key and the balancer's certificate: what is taken, and what is refused without showing anything of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from codeb.model import (
    Manifests,
    Settings,
    SettingsErrors,
    parse_cloud_secrets,
    parse_settings,
    read_stack_file,
    say_of_secrets,
)

APPS = {"name": "default", "roles": ["app", "edge"], "count": 2, "plan": "vc2-6c-16gb"}
DATA = {"name": "data", "roles": ["data"], "plan": "vc2-8c-32gb", "dataDisk": "200Gi"}
FLEET: dict[str, Any] = {"domain": "example.com", "provider": "vultr", "pools": [APPS, DATA]}
ENDS: dict[str, Any] = FLEET | {"balancer": {"tls": "terminate"}}
TOKEN = "A1B2C3D4E5F6G7H8I9J0K1L2M3N4O5P6Q7R8"


def pair() -> tuple[str, str]:
    """A certificate and its key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    made = datetime(2026, 1, 1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(made)
        .not_valid_after(made + timedelta(days=90))
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), key.private_bytes(*form).decode()


CERTIFICATE, KEY = pair()
WHOLE = {"certificate": CERTIFICATE, "privateKey": KEY}


def settings(data: dict[str, Any]) -> Settings:
    return parse_settings(data, "prod")


def refused(values: dict[str, Any], data: dict[str, Any] = ENDS) -> str:
    with pytest.raises(SettingsErrors) as caught:
        parse_cloud_secrets(values, settings(data), "prod")
    text = str(caught.value)
    assert TOKEN not in text
    assert KEY[40:60] not in text
    return text


def test_nothing_is_needed_unless_the_balancer_ends_tls() -> None:
    found = parse_cloud_secrets({}, settings(FLEET))
    assert (found.api_key, found.certificate) == (None, None)


def test_what_is_whole_is_taken_and_never_shown() -> None:
    found = parse_cloud_secrets({"vultrApiKey": TOKEN, "balancerCertificate": WHOLE}, settings(ENDS))
    assert found.api_key == TOKEN
    assert found.certificate
    assert found.certificate.private_key == KEY
    assert TOKEN not in repr(found)
    assert KEY not in repr(found)
    assert parse_cloud_secrets(
        {"balancerCertificate": WHOLE | {"chain": CERTIFICATE}}, settings(ENDS)
    ).certificate


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {} "])
def test_the_end_of_a_file_s_line_is_not_the_key_s(around: str) -> None:
    found = parse_cloud_secrets({"vultrApiKey": around.format(TOKEN)}, settings(FLEET))
    assert found.api_key == TOKEN


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, ["codeb:balancerCertificate: is missing", "codeb:balancer.tls is terminate"]),
        (
            {"balancerCertificate": {"certificate": CERTIFICATE}},
            ["balancerCertificate.privateKey: is missing"],
        ),
        ({"balancerCertificate": WHOLE | {"chain": "x"}}, ["balancerCertificate.chain: is not PEM text"]),
        ({"balancerCertificate": WHOLE | {TOKEN: "x"}}, ["balancerCertificate.", "unknown key"]),
        ({"balancerCertificate": WHOLE | {"certificate": 7}}, ["certificate: is not PEM text"]),
        ({"balancerCertificate": WHOLE | {"privateKey": KEY[:80]}}, ["can't be read"]),
        ({"balancerCertificate": WHOLE | {"privateKey": pair()[1]}}, ["does not belong to the certificate"]),
        ({"balancerCertificate": TOKEN}, ["is not a mapping"]),
        ({"balancerCertificate": [TOKEN]}, ["is not a mapping"]),
        (
            {"vultrApiKey": f"{TOKEN} {TOKEN}", "balancerCertificate": WHOLE},
            ["codeb:vultrApiKey: is not one word"],
        ),
        (
            {"vultrApiKey": f"{TOKEN}\n{TOKEN}", "balancerCertificate": WHOLE},
            ["codeb:vultrApiKey: is not one word"],
        ),
        ({"vultrApiKey": [TOKEN], "balancerCertificate": WHOLE}, ["codeb:vultrApiKey: is not one word"]),
    ],
)
def test_what_is_wrong_is_named_and_not_shown(values: dict[str, Any], words: list[str]) -> None:
    message = refused(values)
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("secrets", "paths"),
    [
        ({}, ["codeb:balancerCertificate"]),
        ({"balancerCertificate": {"secure": "v1:abc"}}, []),
        ({"balancerCertificate": {"certificate": CERTIFICATE, "privateKey": {"secure": "v1:abc"}}}, []),
        (
            {"balancerCertificate": {"certificate": {"secure": "v1:abc"}}},
            ["codeb:balancerCertificate.privateKey"],
        ),
    ],
)
def test_validate_says_what_shows_without_decrypting(
    tmp_path: Path, secrets: dict[str, Any], paths: list[str]
) -> None:
    file = tmp_path / "Pulumi.prod.yaml"
    file.write_text(
        yaml.safe_dump({"config": {f"codeb:{key}": value for key, value in (ENDS | secrets).items()}})
    )
    said = say_of_secrets(read_stack_file(file, "prod"), Manifests((), {}))
    assert [problem.path for problem in said.problems] == paths
