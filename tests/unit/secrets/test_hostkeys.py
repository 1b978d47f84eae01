"""Machines' host keys: the same every time, read by OpenSSH itself, and never shown."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from codeb.hostkeys import (
    SshKey,
    SshKeyError,
    first_host_key,
    host_key,
    machine_first_key,
    machine_host_key,
    public_half,
)
from codeb.secrets import RootSecret
from tests.unit.secrets.test_derived_secrets import ROOT_TEXT

SEED = bytes(range(48))


def test_a_machines_keys_never_change_between_versions_of_the_program() -> None:
    root = RootSecret(ROOT_TEXT)
    assert machine_first_key(root, "app-1").public == (
        "ecdsa-sha2-nistp256 "
        "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBOGuXNHJbmnY4/UvAeXD3DR+T+WN0Cv7I/3gE+sX41ORce6j5IC6XqnRQzLz1gxQxotcRtzcSZLaQiKAN7fojmE="
    )
    assert machine_host_key(root, "app-1").public == (
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOXTocj1ebZjd5lR4yFh53DyXSaERH0JyOBnTtzHqk8W"
    )


def test_each_machine_and_each_purpose_has_a_key_of_its_own() -> None:
    root = RootSecret(ROOT_TEXT)
    keys = {
        make(root, name).public for make in (machine_first_key, machine_host_key) for name in ("a-1", "a-2")
    }
    assert len(keys) == 4


@pytest.mark.parametrize("make", [first_host_key, host_key])
def test_openssh_reads_the_private_key_and_finds_the_same_public_one(make: object, tmp_path: Path) -> None:
    key: SshKey = make(SEED)  # type: ignore[operator]
    file = tmp_path / "key"
    file.touch(mode=0o600)
    file.write_text(key.private)
    done = subprocess.run(["ssh-keygen", "-y", "-f", str(file)], capture_output=True, text=True, check=True)
    assert done.stdout.split()[:2] == key.public.split()


@given(st.binary(min_size=48, max_size=48))
@settings(max_examples=50)
def test_every_seed_makes_keys_that_the_library_reads_back(seed: bytes) -> None:
    for make in (first_host_key, host_key):
        key = make(seed)
        assert public_half(key.private) == key.public
        assert make(seed).private == key.private


def test_a_key_shows_its_public_half_only() -> None:
    key = host_key(SEED)
    assert "PRIVATE" not in repr(key)
    assert key.public in repr(key)


def _pem(key: object, form: serialization.PrivateFormat) -> str:
    return key.private_bytes(  # type: ignore[attr-defined,no-any-return]
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    ).decode()


def test_the_public_half_is_found_in_every_usual_form() -> None:
    edwards = ed25519.Ed25519PrivateKey.generate()
    forms = serialization.PrivateFormat
    texts = [_pem(edwards, forms.OpenSSH), _pem(edwards, forms.OpenSSH).strip(), _pem(edwards, forms.PKCS8)]
    assert len({public_half(text) for text in texts}) == 1
    assert public_half(_pem(rsa.generate_private_key(65537, 2048), forms.TraditionalOpenSSL)).startswith(
        "ssh-rsa "
    )


def test_a_key_that_cant_be_used_is_refused_with_the_reason_and_never_shown() -> None:
    locked = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"a password"),
    )
    for text, reason in (
        (locked.decode(), "has a password"),
        ("not a key at all, but a text of some length", "no private key"),
    ):
        with pytest.raises(SshKeyError, match=reason) as caught:
            public_half(text)
        assert text[30:] not in str(caught.value)
