"""Derived secrets: the same every time, different for each purpose, and never shown."""

from __future__ import annotations

import pickle
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from codeb.secrets import (
    PURPOSES,
    PlatformSecrets,
    RootSecret,
    SecretError,
    holds_secret,
    project_credentials,
    resolve,
)

ROOT_TEXT = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0"
EXAMPLES = [
    purpose.replace("<n>", "0").replace("<id>", "food-delivery-app").replace("<server>", "app-1")
    for purpose in PURPOSES
]


@pytest.fixture(scope="module")
def root() -> RootSecret:
    return RootSecret(ROOT_TEXT)


@pytest.fixture(scope="module")
def platform(root: RootSecret) -> PlatformSecrets:
    return PlatformSecrets(root, ["10.77.0.2", "127.0.0.1", "postgres"])


def test_a_derived_password_never_changes_between_versions_of_the_program(root: RootSecret) -> None:
    assert root.derive("postgres/admin") == "XGLH0jwa9R7gRVNUL792nq2oY80E47sKSWB6WSzf"


@pytest.mark.parametrize("purpose", EXAMPLES)
def test_passwords_are_long_and_plain(root: RootSecret, purpose: str) -> None:
    password = root.derive(purpose)
    assert password.isalnum()
    assert password.isascii()
    assert len(password) == 40


def test_purpose_rotation_and_root_each_change_the_password(root: RootSecret) -> None:
    passwords = {root.derive(purpose, rotation) for purpose in EXAMPLES for rotation in (1, 2, 3)}
    passwords |= {RootSecret(ROOT_TEXT + "x").derive(purpose) for purpose in EXAMPLES}
    assert len(passwords) == 4 * len(EXAMPLES)


@pytest.mark.parametrize(
    "purpose",
    ["", "postgres", "project/../admin/database", "project/a b/cache", "redis/x/admin", "redis/01/admin"],
)
def test_a_purpose_outside_the_table_is_refused(root: RootSecret, purpose: str) -> None:
    with pytest.raises(SecretError, match="no secret is derived for"):
        root.derive(purpose)


@pytest.mark.parametrize("weak", ["", "short", "x" * 64, " " * 40 + "abc", "0123456789" * 3])
def test_a_weak_root_secret_is_refused_with_a_remedy_and_not_shown(weak: str) -> None:
    with pytest.raises(SecretError, match="openssl rand") as refused:
        RootSecret(weak)
    assert weak.strip() == "" or weak.strip() not in str(refused.value)


def test_the_root_secret_does_not_show_or_travel(root: RootSecret, platform: PlatformSecrets) -> None:
    credentials = project_credentials(root, "blog", {"API_KEY": "supplied-value"})
    shown = f"{root!r} {root} {platform!r} {platform} {credentials!r} {platform.authority!r}"
    for secret in (ROOT_TEXT, root.derive("postgres/admin"), credentials.database_password, "supplied-value"):
        assert secret not in shown
    with pytest.raises(TypeError):
        pickle.dumps(root)


def test_the_ca_signs_the_certificate_of_postgres(platform: PlatformSecrets) -> None:
    authority = x509.load_pem_x509_certificate(platform.lookup("public", "platform/ca").encode())
    certificate = x509.load_pem_x509_certificate(platform.lookup("public", "postgres/tls").encode())
    key = serialization.load_pem_private_key(platform.lookup("secret", "postgres/tls").encode(), None)
    certificate.verify_directly_issued_by(authority)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == certificate.public_key()
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == [
        "10.77.0.2",
        "127.0.0.1",
    ]
    assert names.get_values_for_type(x509.DNSName) == ["postgres"]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_certificates_are_the_same_bytes_every_time(root: RootSecret, platform: PlatformSecrets) -> None:
    again = PlatformSecrets(RootSecret(ROOT_TEXT), ["10.77.0.2", "127.0.0.1", "postgres"])
    for kind, purpose in (("public", "platform/ca"), ("public", "postgres/tls"), ("secret", "postgres/tls")):
        assert platform.lookup(kind, purpose) == again.lookup(kind, purpose)
    other = PlatformSecrets(RootSecret(ROOT_TEXT + "x"), ["10.77.0.2"])
    assert other.lookup("public", "platform/ca") != platform.lookup("public", "platform/ca")


def test_markers_are_filled_in(root: RootSecret, platform: PlatformSecrets) -> None:
    password = root.derive("redis/0/admin")
    text = "user default on #@{secret:redis/0/admin/sha256} / @{secret:redis/0/admin}"
    expected = f"user default on #{sha256(password.encode()).hexdigest()} / {password}"
    assert holds_secret(text)
    assert resolve(text, platform.lookup) == expected
    assert "BEGIN CERTIFICATE" in resolve("@{public:platform/ca}", platform.lookup)


@pytest.mark.parametrize(
    "text",
    [
        "@{secret:postgres/unknown}",
        "@{public:postgres/admin}",
        "@{secret:POSTGRES/admin}",
        "@{secret:postgres/admin",
        "@{secret:}",
        "@{secret:redis/x/admin/sha256}",
        "@{secret:@{secret:postgres/admin}}",
    ],
)
def test_a_marker_that_names_nothing_is_refused(platform: PlatformSecrets, text: str) -> None:
    with pytest.raises(SecretError):
        resolve(text, platform.lookup)


@settings(deadline=None)
@given(st.text().filter(lambda text: "@{" not in text))
def test_text_without_markers_is_left_alone(text: str) -> None:
    def never(kind: str, purpose: str) -> str:
        raise AssertionError(f"asked for {kind}:{purpose}")

    assert resolve(text, never) == text
