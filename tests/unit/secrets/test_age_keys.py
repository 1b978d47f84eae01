"""Keys of age: the real program reads what we write."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from codeb.age import age_identity, age_recipient
from codeb.secrets import PlatformSecrets, RootSecret

SEED = bytes(range(32))
ROOT = RootSecret("correct horse battery staple 0123456789 abcdef")


def test_a_key_has_the_form_that_age_asks_for() -> None:
    assert len(age_identity(SEED)) == 74
    assert age_identity(SEED).startswith("AGE-SECRET-KEY-1")
    assert len(age_recipient(SEED)) == 62
    assert age_recipient(SEED).startswith("age1")


@pytest.mark.skipif(shutil.which("age-keygen") is None, reason="needs age (package age)")
def test_the_real_age_finds_the_recipient_of_an_identity_and_opens_what_is_sealed_for_it(
    tmp_path: Path,
) -> None:
    key = tmp_path / "key"
    key.write_text(age_identity(SEED) + "\n")
    found = subprocess.run(["age-keygen", "-y", key], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == age_recipient(SEED)
    seal = ["age", "--encrypt", "--recipient", age_recipient(SEED)]
    sealed = subprocess.run(seal, input=b"a dump", capture_output=True, check=True).stdout
    assert b"a dump" not in sealed
    opened = subprocess.run(
        ["age", "--decrypt", "--identity", key], input=sealed, capture_output=True, check=True
    )
    assert opened.stdout == b"a dump"


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="takes 32 bytes, not 48"):
        age_identity(bytes(48))


def test_the_stacks_backup_key_is_the_root_secrets_and_its_recipient_is_public() -> None:
    secrets = PlatformSecrets(ROOT, ["127.0.0.1"])
    again = PlatformSecrets(RootSecret("correct horse battery staple 0123456789 abcdef"), ["10.0.0.1"])
    assert secrets.lookup("secret", "backup/key") == again.lookup("secret", "backup/key")
    assert secrets.lookup("secret", "backup/key").startswith("AGE-SECRET-KEY-1")
    assert secrets.lookup("public", "backup/key").startswith("age1")
    other = PlatformSecrets(RootSecret("correct horse battery staple 0123456789 abcdeg"), ["127.0.0.1"])
    assert other.lookup("public", "backup/key") != secrets.lookup("public", "backup/key")
