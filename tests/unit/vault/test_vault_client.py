"""One login at a vault: what it reads and sets, and that each refusal names its path and never a value."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codeb.model import Vault, VaultCredentials
from lab import certificates
from lab.vault import server
from lab.vault.answers import Reply
from ops.vault.client import logged_in
from ops.vault.problem import VaultError
from tests.ports import refusing_port

VALUE = "hunter2-hunter2"
READS = {
    "secret/data/projects/*": frozenset({"read"}),
    "secret/subkeys/projects/*": frozenset({"read"}),
}
WRITES = READS | {"secret/data/projects/*": frozenset({"read", "create", "update", "patch"})}


@pytest.fixture
def vault() -> Iterator[server.Vault]:
    with server.running() as found:
        found.logins.policies |= {"reads": READS, "writes": WRITES}
        found.kv.put("projects/shop", {"TOKEN": VALUE, "PEM": "a\nb\n"})
        yield found


def by_token(vault: server.Vault, token: str) -> tuple[Vault, VaultCredentials]:
    return Vault(address=vault.url, auth="token"), VaultCredentials(token=token)


def by_role(vault: server.Vault, *policies: str, **role: Any) -> tuple[Vault, VaultCredentials]:
    made = vault.logins.role("codeb", *(policies or ("reads",)), **role)
    return Vault(address=vault.url), VaultCredentials(made.role_id, vault.logins.secret_id("codeb"))


def refusal(login: tuple[Vault, VaultCredentials], *keys: str) -> str:
    """What is said when these keys can't be read; it never has a value, nor what was logged in with."""
    with pytest.raises(VaultError) as caught, logged_in(*login) as client:
        client.read(keys or ("shop",))
    text = str(caught.value)
    assert VALUE not in text
    secrets = (login[1].role_id, login[1].secret_id, login[1].token)
    assert not any(secret in text for secret in secrets if secret)
    assert "\n" not in text
    return text


def test_a_role_reads_what_there_is_and_its_login_ends_with_the_reading(vault: server.Vault) -> None:
    vault.kv.put("projects/blog-pr", {"A": "b"})
    with logged_in(*by_role(vault)) as client:
        found = client.read(["shop", "blog", "blog-pr"])
        assert len(vault.logins.tokens) == 1
        assert client.notes == ()
    assert found == {"shop": {"TOKEN": VALUE, "PEM": "a\nb\n"}, "blog-pr": {"A": "b"}}
    assert vault.logins.tokens == {}


def test_a_token_that_can_be_renewed_is(vault: server.Vault) -> None:
    now = [1000.0]
    vault.clock = lambda: now[0]
    token = vault.logins.token("reads", ttl_s=30 * 24 * 3600, renewable=True)
    now[0] += 29.5 * 24 * 3600
    with logged_in(*by_token(vault, token)) as client:
        assert client.read(["shop"])["shop"]["TOKEN"] == VALUE
        assert client.notes == ()
    assert vault.logins.tokens[token].ends == now[0] + 30 * 24 * 3600
    assert token in vault.logins.tokens, "it is not ours to end"


def test_a_token_that_ends_soon_or_may_do_everything_is_told(vault: server.Vault) -> None:
    with logged_in(*by_token(vault, vault.logins.token("reads", ttl_s=2 * 3600 + 60))) as client:
        assert client.notes == (
            f"{vault.url}: the token ends in 2 h: set another as codeb:vaultCredentials.token.",
        )
    with logged_in(*by_token(vault, vault.logins.token("reads", period_s=3600, renewable=True))) as client:
        assert client.notes == ()
    with logged_in(*by_token(vault, vault.logins.token("root"))) as client:
        assert [note.partition(": ")[2][:30] for note in client.notes] == ["the token is a root token: one"]


def test_an_expired_token_is_told_from_a_path_that_is_kept_from_it(vault: server.Vault) -> None:
    now = [1000.0]
    vault.clock = lambda: now[0]
    vault.logins.policies["others"] = {"secret/data/projects/blog": frozenset({"read"})}
    token = vault.logins.token("others", ttl_s=60)
    assert refusal(by_token(vault, token)) == (
        f"{vault.url}: secret/projects/shop: the login's policies refuse to read it. "
        "Let them (docs/vault.md, Policies), or correct codeb:vault.mount."
    )
    now[0] += 61
    text = refusal(by_token(vault, token))
    assert "the token has expired, was revoked, or is no token of this vault" in text


def test_a_token_that_may_not_look_itself_up_still_reads(vault: server.Vault) -> None:
    vault.logins.policies["default"] = {}
    with logged_in(*by_token(vault, vault.logins.token("reads"))) as client:
        assert "shop" in client.read(["shop"])
    vault.logins.policies["none"] = {"secret/data/projects/blog": frozenset({"read"})}
    assert "the login's policies refuse to read it" in refusal(by_token(vault, vault.logins.token("none")))


def test_a_role_that_the_vault_does_not_know_says_nothing_of_either_id(vault: server.Vault) -> None:
    wanted, right = by_role(vault)
    for wrong in (VaultCredentials(right.role_id, "f" * 32), VaultCredentials("e" * 32, right.secret_id)):
        text = refusal((wanted, wrong))
        assert text.startswith(f"{vault.url}: auth/approle/login: the vault does not know this role ID")


def test_a_secret_id_of_one_use_is_used_up(vault: server.Vault) -> None:
    role = vault.logins.role("once", "reads")
    login = Vault(address=vault.url), VaultCredentials(role.role_id, vault.logins.secret_id("once", uses=1))
    with logged_in(*login) as client:
        assert "shop" in client.read(["shop"])
    assert "may have expired, or be used up" in refusal(login)


def test_a_role_whose_tokens_have_too_few_uses_is_told(vault: server.Vault) -> None:
    text = refusal(by_role(vault, token_uses=1), "shop")
    assert "the login has ended before all was read" in text
    assert "token_num_uses" in text


def test_another_place_of_approle_is_named(vault: server.Vault) -> None:
    wanted, credentials = by_role(vault)
    text = refusal((wanted.model_copy(update={"auth_mount": "machines"}), credentials))
    assert "auth/machines/login: there is no AppRole here" in text


def test_a_sealed_vault_is_told_to_be_unsealed(vault: server.Vault) -> None:
    vault.sealed = True
    assert refusal(by_role(vault)) == (
        f"{vault.url}: auth/approle/login: the vault is sealed, or not ready. "
        "Unseal it (`vault operator unseal`), then run this again."
    )
    assert "sealed" in refusal(by_token(vault, "hvs.anything"))


def test_a_vault_that_is_sealed_in_the_middle_is_told_with_the_path(vault: server.Vault) -> None:
    def seal(method: str, path: str) -> None:
        vault.sealed = vault.sealed or path == "secret/data/projects/shop"

    vault.answer = seal  # type: ignore[assignment]
    assert refusal(by_role(vault)).startswith(f"{vault.url}: secret/projects/shop: the vault is sealed")


@pytest.mark.parametrize("mount", ["kv", "secret-of-old"])
def test_a_mount_that_is_not_there_or_of_version_1_is_not_one_without_projects(
    vault: server.Vault, mount: str
) -> None:
    vault.old_mounts = ("secret-of-old",)
    vault.logins.policies["reads"] |= {"secret-of-old/data/*": frozenset({"read"})}
    wanted, credentials = by_role(vault)
    text = refusal((wanted.model_copy(update={"mount": mount}), credentials))
    cause = {
        "kv": "kv: there is no such mount, or the login's policies refuse it",
        "secret-of-old": "secret-of-old: is not the mount of a KV engine of version 2",
    }
    assert f"{vault.url}: {cause[mount]}" in text


def test_a_deleted_version_is_no_project_that_was_never_there(vault: server.Vault) -> None:
    vault.kv.delete("projects/shop")
    text = refusal(by_role(vault))
    assert "secret/projects/shop: its newest version was deleted" in text
    assert "vault kv undelete" in text


def test_nobody_there_is_told_with_the_address() -> None:
    with refusing_port() as port:
        wanted = Vault(address=f"http://127.0.0.1:{port}", auth="token")
        text = refusal((wanted, VaultCredentials(token=VALUE)))
    assert (
        f"127.0.0.1:{port}: auth/token/lookup-self: it can't be reached. Correct codeb:vault.address" in text
    )


def test_who_never_answers_is_given_up(vault: server.Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.vault.link._SECONDS", (5, 0.2))
    release = threading.Event()

    def wait(method: str, path: str) -> Reply:
        release.wait(30)
        return Reply(200)

    vault.answer = wait
    try:
        assert "it does not answer in time" in refusal(by_role(vault))
    finally:
        release.set()


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (Reply(429, {"errors": ["request path: rate limit quota exceeded"]}), "asked too often"),
        (Reply(500, {"errors": [f"internal: {VALUE}"]}), "fails"),
        (Reply(501), "never initialised"),
        (Reply(502), "fails"),
        (Reply(418, {"errors": [VALUE]}), "answers what nobody knows here"),
        (Reply(400, {"errors": [f'invalid secret_id "{VALUE}"']}), "does not know this role ID"),
        (Reply(307, headers={"Location": "https://elsewhere.example.com/"}), "sends on to another address"),
        (Reply(200), "no vault"),
        (Reply(200, {"auth": {}}), "no vault"),
        (Reply(200, {"auth": "x"}), "no vault"),
        (Reply(418, {"errors": [1, {"a": VALUE}]}), "no vault"),
    ],
)
def test_no_answer_s_own_words_are_repeated(vault: server.Vault, reply: Reply, cause: str) -> None:
    """A vault's errors may have in them what it was sent; and something else may answer."""
    vault.answer = lambda method, path: reply
    assert cause in refusal(by_role(vault))


@pytest.mark.parametrize("content", [None, [], "x", {}, {"data": 3}, {"data": {"data": [VALUE]}}])
def test_a_path_with_something_else_is_refused(vault: server.Vault, content: Any) -> None:
    def strange(method: str, path: str) -> Reply | None:
        return Reply(200, content) if path == "secret/data/projects/shop" else None

    vault.answer = strange
    text = refusal(by_role(vault))
    assert "secret/projects/shop: " in text


def test_a_certificate_that_nobody_trusts_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    own = certificates.issue(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    with server.running(context) as vault:
        vault.logins.policies["reads"] = READS
        vault.kv.put("projects/shop", {"A": "b"})
        wanted, credentials = by_role(vault)
        assert "its certificate is not trusted, or is another's" in refusal((wanted, credentials))
        assert vault.asked == []
        trusting = wanted.model_copy(update={"ca": own.ca.read_text()})
        with logged_in(trusting, credentials) as client:
            assert client.read(["shop"]) == {"shop": {"A": "b"}}


def test_a_certificate_of_another_name_is_refused_though_its_authority_is_trusted(tmp_path: Path) -> None:
    own = certificates.issue(tmp_path, "vault.example.com")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    with server.running(context) as vault:
        wanted, credentials = by_role(vault)
        trusting = wanted.model_copy(update={"ca": own.ca.read_text()})
        assert "its certificate is not trusted, or is another's" in refusal((trusting, credentials))


def test_the_environment_s_own_login_is_not_used(
    vault: server.Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", vault.logins.token("root"))
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    assert "there is no such mount" in refusal(by_token(vault, ""))


def test_names_are_read_without_values(vault: server.Vault) -> None:
    with logged_in(*by_role(vault)) as client:
        assert client.names_of("shop") == ["PEM", "TOKEN"]
        assert client.names_of("blog") is None
    assert not any("/data/" in path for _, path in vault.asked)


def test_one_secret_is_set_and_the_others_stay(vault: server.Vault) -> None:
    with logged_in(*by_role(vault, "writes")) as client:
        assert client.put("shop", "TOKEN", "new\n") is False
        assert client.put("blog", "KEY", "ключ") is True
        assert client.put("shop", "PEM", None) is False
    assert vault.kv.secrets["projects/shop"].content == {"TOKEN": "new\n"}
    assert vault.kv.secrets["projects/blog"].content == {"KEY": "ключ"}


def test_a_path_that_somebody_else_makes_at_the_same_moment_keeps_his_secrets(vault: server.Vault) -> None:
    def first(method: str, path: str) -> None:
        if method == "POST" and path == "secret/data/projects/blog":
            vault.kv.put("projects/blog", {"OTHER": "his"})

    vault.answer = first  # type: ignore[assignment]
    with logged_in(*by_role(vault, "writes")) as client:
        assert client.put("blog", "KEY", "mine") is False
    assert vault.kv.secrets["projects/blog"].content == {"OTHER": "his", "KEY": "mine"}


def test_who_may_only_read_is_told_so_and_changes_nothing(vault: server.Vault) -> None:
    with logged_in(*by_role(vault)) as client, pytest.raises(VaultError) as caught:
        client.put("shop", "TOKEN", VALUE)
    assert "secret/projects/shop: the login's policies refuse to change it (capability patch)" in str(
        caught.value
    )
    assert VALUE not in str(caught.value)
    assert vault.kv.secrets["projects/shop"].version == 1


def test_a_deleted_version_is_not_written_over(vault: server.Vault) -> None:
    vault.kv.delete("projects/shop")
    with logged_in(*by_role(vault, "writes")) as client, pytest.raises(VaultError, match="deleted"):
        client.put("shop", "TOKEN", "x")


def test_a_path_that_comes_and_goes_is_not_tried_for_ever(vault: server.Vault) -> None:
    def never(method: str, path: str) -> Reply | None:
        answers = {
            "PATCH": Reply(404),
            "POST": Reply(400, {"errors": ["check-and-set parameter did not match"]}),
        }
        return answers.get(method) if path == "secret/data/projects/blog" else None

    vault.answer = never
    with logged_in(*by_role(vault, "writes")) as client, pytest.raises(VaultError, match="it comes and goes"):
        client.put("blog", "KEY", VALUE)


def test_a_mount_that_asks_for_check_and_set_is_told(vault: server.Vault) -> None:
    refused = Reply(400, {"errors": ["check-and-set parameter required for this call"]})
    vault.answer = lambda method, path: refused if method == "PATCH" else None
    with logged_in(*by_role(vault, "writes")) as client, pytest.raises(VaultError, match="cas_required"):
        client.put("shop", "KEY", VALUE)


def test_nothing_shows_a_login(vault: server.Vault) -> None:
    wanted, credentials = by_role(vault)
    with logged_in(wanted, credentials) as client:
        shown = f"{client!r} {client._link!r} {credentials!r} {vars(client)!r}"
    assert credentials.secret_id not in shown
    assert credentials.role_id not in shown
