"""Ours against the real Vault: nothing that ours answers is otherwise there, and the client gets along with both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codeb.model import Vault, VaultCredentials
from lab.host import Lab
from lab.vault import real, server
from ops.vault.client import logged_in
from ops.vault.problem import VaultError
from tests.ports import free_port
from tests.vault.scenario import READS, Ours, differences, play

pytestmark = pytest.mark.slow

WRITES = {
    "secret/data/projects/*": ["read", "create", "update", "patch"],
    "secret/subkeys/projects/*": ["read"],
}


@pytest.fixture(scope="module")
def program() -> Path:
    return real.build(Lab.here())


@pytest.fixture
def vault(program: Path, tmp_path: Path) -> Iterator[real.Real]:
    with real.running(program, tmp_path, free_port()) as found:
        yield found


def test_what_ours_answers_is_what_the_real_one_answers(vault: real.Real) -> None:
    with server.running() as ours:
        assert differences(play(Ours(ours)), play(vault)) == []


def test_the_client_reads_and_sets_at_the_real_one(vault: real.Real) -> None:
    vault.policy("codeb", READS)
    vault.policy("person", WRITES)
    vault.put("projects/shop", {"TOKEN": "a\nb", "PEM": "ключ"})
    wanted = Vault(address=vault.url)
    login = VaultCredentials(vault.role("codeb", "codeb"), vault.secret_id("codeb"))
    with logged_in(wanted, login) as client:
        assert client.read(["shop", "blog"]) == {"shop": {"TOKEN": "a\nb", "PEM": "ключ"}}
        assert client.names_of("shop") == ["PEM", "TOKEN"]
        assert client.names_of("blog") is None
        with pytest.raises(
            VaultError, match=r"secret/projects/shop: the login's policies refuse to change it"
        ):
            client.put("shop", "TOKEN", "x")
    own = VaultCredentials(token=vault.login("person", ttl_s=3600, renewable=True))
    with logged_in(wanted.model_copy(update={"auth": "token"}), own) as client:
        assert client.put("blog", "KEY", "1") is True
        assert client.put("blog", "OTHER", "2") is False
        assert client.put("blog", "KEY", None) is False
        assert client.read(["blog"]) == {"blog": {"OTHER": "2"}}


def test_each_refusal_of_the_real_one_has_its_own_words(vault: real.Real) -> None:
    vault.policy("codeb", READS)
    vault.put("projects/gone", {"A": "1"})
    vault.delete("projects/gone")
    vault.old_mount("old")
    role, wanted = vault.role("codeb", "codeb"), Vault(address=vault.url)
    login = VaultCredentials(role, vault.secret_id("codeb"))

    def said(vault: Vault, credentials: VaultCredentials, key: str = "shop") -> str:
        with pytest.raises(VaultError) as caught, logged_in(vault, credentials) as client:
            client.read([key])
        return str(caught.value)

    by_token = wanted.model_copy(update={"auth": "token"})
    assert "its newest version was deleted" in said(wanted, login, "gone")
    assert "does not know this role ID" in said(wanted, VaultCredentials(role, "0" * 32))
    assert "there is no AppRole here" in said(wanted.model_copy(update={"auth_mount": "none"}), login)
    assert "is not the mount of a KV engine of version 2" in said(
        wanted.model_copy(update={"mount": "old"}), login
    )
    assert "there is no such mount" in said(wanted.model_copy(update={"mount": "none"}), login)
    assert "is no token of this vault" in said(by_token, VaultCredentials(token="hvs.nothing"))
    vault.seal()
    assert "the vault is sealed" in said(wanted, login)
