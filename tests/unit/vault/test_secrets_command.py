"""`codeb secrets`: names alone are shown, values come from standard input, and go where the stack has its secrets."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.vault import server
from ops.cli import main

VALUE = "hunter2-hunter2"
MANIFEST = """
project: {{id: {0}}}
environment: {{domain: {0}.example.com, image: "ghcr.io/x/{0}:1", secrets: [{1}]}}
"""
READS = {"secret/subkeys/projects/*": frozenset({"read"})}
WRITES = READS | {"secret/data/projects/*": frozenset({"create", "patch"})}
CLI = """#!{python}
import json, pathlib, sys
here = pathlib.Path({folder!r})
arguments = sys.argv[1:]
if arguments[:2] == ["config", "get"]:
    values = json.loads((here / "values.json").read_text())
    key = arguments[2].removeprefix("codeb:")
    if key not in values:
        sys.exit("error: configuration key not found")
    print(json.dumps(values[key]))
else:
    with (here / "told").open("a") as told:
        told.write(json.dumps([arguments, sys.stdin.read()]) + "\\n")
"""


class Folder:
    """A stack `live` with a CLI that notes what it is told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "manifests").mkdir()
        (path / "manifests/shop.yaml").write_text(MANIFEST.format("shop", "TOKEN, PEM"))
        self.values: dict[str, Any] = {}
        self.write()

    def write(self, **config: Any) -> None:
        servers = [{"name": "a", "address": "10.0.0.1", "knownHostsFile": "k"}]
        values = {"domain": "example.com", "servers": servers, **config}
        document = {"config": {f"codeb:{key}": value for key, value in values.items()}}
        (self.path / "Pulumi.live.yaml").write_text(json.dumps(document))
        (self.path / "values.json").write_text(json.dumps(self.values))

    @property
    def told(self) -> list[Any]:
        file = self.path / "told"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    cli = tmp_path / "bin" / "pulumi"
    cli.parent.mkdir()
    cli.write_text(CLI.format(python=sys.executable, folder=str(tmp_path)))
    cli.chmod(0o755)
    monkeypatch.setenv("PATH", str(cli.parent))
    monkeypatch.delenv("VAULT_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)


@pytest.fixture
def vault(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Iterator[server.Vault]:
    """A vault that the stack has, and a person's token for it in the environment."""
    with server.running() as found:
        found.logins.policies |= {"reads": READS, "writes": WRITES}
        folder.write(vault={"address": found.url})
        monkeypatch.setenv("VAULT_TOKEN", found.logins.token("writes"))
        yield found


def called(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str, given: bytes = b""
) -> tuple[int, str]:
    """The exit status, and all that was said: never a value."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    code = main(["secrets", *arguments, "--stack", "live"])
    out, err = capsys.readouterr()
    assert VALUE not in out + err
    return code, out + err


def test_a_secret_goes_to_the_configuration_by_the_cli_s_standard_input(
    folder: Folder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = called(capsys, monkeypatch, "set", "shop", "TOKEN", given=f"{VALUE}\n".encode())
    assert (code, said) == (0, "codeb:projectSecrets.shop.TOKEN: set, from the next `pulumi up` on\n")
    ((arguments, text),) = folder.told
    assert arguments == [
        *("config", "set", "--secret", "--raw", "--path", "codeb:projectSecrets.shop.TOKEN"),
        *("--stack", "live", "--non-interactive"),
    ]
    assert text == VALUE


@pytest.mark.parametrize(
    ("given", "raw", "kept"),
    [
        (b"a\nb\n", False, "a\nb"),
        (b"a\nb\n", True, "a\nb\n"),
        (b"a\r\n", False, "a"),
        (b"a\n\n", False, "a\n"),
        (b"", False, ""),
        (b" a ", False, " a "),
        ("ключ".encode(), False, "ключ"),
    ],
)
def test_a_line_s_end_is_dropped_unless_the_value_is_raw(
    vault: server.Vault,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    given: bytes,
    raw: bool,
    kept: str,
) -> None:
    extra = ["--raw"] if raw else []
    code, _ = called(capsys, monkeypatch, "set", "shop", "PEM", *extra, given=given)
    assert code == 0
    assert vault.kv.secrets["projects/shop"].content == {"PEM": kept}


def test_with_a_vault_it_goes_there_and_what_stays_behind_is_said(
    folder: Folder,
    vault: server.Vault,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secured = {"secure": "v1:abc:def"}
    folder.write(vault={"address": vault.url}, projectSecrets={"shop": {"TOKEN": secured, "PEM": secured}})
    code, said = called(capsys, monkeypatch, "set", "shop", "TOKEN", given=VALUE.encode())
    assert code == 0
    assert said.splitlines() == [
        "secret/projects/shop, key TOKEN: set, from the next `pulumi up` on",
        "the vault has the project now, and codeb:projectSecrets.shop is read no more: set PEM in the vault, too",
    ]
    assert vault.kv.secrets["projects/shop"].content == {"TOKEN": VALUE}
    code, said = called(capsys, monkeypatch, "set", "shop", "PEM", given=b"x")
    assert said == "secret/projects/shop, key PEM: set, from the next `pulumi up` on\n"
    assert vault.kv.secrets["projects/shop"].content == {"TOKEN": VALUE, "PEM": "x"}
    assert folder.told == []


def test_one_may_still_say_where(
    folder: Folder,
    vault: server.Vault,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert called(capsys, monkeypatch, "set", "shop", "TOKEN", "--to", "stack", given=b"x")[0] == 0
    assert len(folder.told) == 1
    assert vault.asked == []
    folder.write()
    code, said = called(capsys, monkeypatch, "set", "shop", "TOKEN", "--to", "vault", given=b"x")
    assert (code, "has no codeb:vault" in said) == (1, True)


@pytest.mark.parametrize("given", [b"\xff\xfe", b"a\0b", b"x" * 60_001])
def test_what_no_app_can_be_given_changes_nothing(
    folder: Folder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, given: bytes
) -> None:
    code, said = called(capsys, monkeypatch, "set", "shop", "TOKEN", given=given)
    assert (code, "nothing was changed" in said) == (1, True)
    assert folder.told == []


def test_removing_takes_one_away_and_says_when_there_is_none(
    folder: Folder,
    vault: server.Vault,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vault.kv.put("projects/shop", {"TOKEN": VALUE, "PEM": "x"})
    assert called(capsys, monkeypatch, "set", "shop", "TOKEN", "--remove")[0] == 0
    assert vault.kv.secrets["projects/shop"].content == {"PEM": "x"}
    code, said = called(capsys, monkeypatch, "set", "shop", "TOKEN", "--remove")
    assert (code, "has no TOKEN; nothing was changed" in said) == (1, True)
    code, said = called(capsys, monkeypatch, "set", "shop", "TOKEN", "--remove", "--to", "stack")
    assert (code, "is not set; nothing was changed" in said) == (1, True)
    folder.write(projectSecrets={"shop": {"TOKEN": {"secure": "v1:a:b"}}})
    assert called(capsys, monkeypatch, "set", "shop", "TOKEN", "--remove", "--to", "stack")[0] == 0
    assert folder.told[0][0][:4] == ["config", "rm", "--path", "codeb:projectSecrets.shop.TOKEN"]


def test_a_name_that_no_manifest_has_is_set_and_said(
    folder: Folder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = called(capsys, monkeypatch, "set", "shop-pr", "OTHER", given=b"x")
    assert code == 0
    assert said.splitlines()[1] == "no app gets it yet: name it in environment.secrets of shop"


def test_the_list_has_names_places_and_what_is_missing(
    folder: Folder,
    vault: server.Vault,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder.path / "manifests/blog.yaml").write_text(MANIFEST.format("blog", "KEY"))
    (folder.path / "manifests/news.yaml").write_text(MANIFEST.format("news", "KEY"))
    secured = {"secure": "v1:abc:def"}
    folder.write(
        vault={"address": vault.url}, projectSecrets={"blog": {"KEY": secured}, "gone": {"OLD": secured}}
    )
    vault.kv.put("projects/shop", {"TOKEN": VALUE, "X\x1b[2J": VALUE})
    code, said = called(capsys, monkeypatch, "list")
    assert code == 1
    assert [line.split(maxsplit=3) for line in said.splitlines()] == [
        ["PROJECT", "NAME", "PLACE", "STATE"],
        ["blog", "KEY", "codeb:projectSecrets.blog", "set"],
        ["gone", "OLD", "codeb:projectSecrets.gone", "set, no app gets it"],
        ["news", "KEY", "secret/projects/news", "missing"],
        ["shop", "PEM", "secret/projects/shop", "missing"],
        ["shop", "TOKEN", "secret/projects/shop", "set"],
        ["shop", '"X\\u001b[2J"', "secret/projects/shop", "set, no app gets it"],
        ["2", "secrets", "missing:", "`codeb secrets set PROJECT NAME`"],
    ]
    assert not any("/data/" in path for _, path in vault.asked), "values are not even read"
    code, said = called(capsys, monkeypatch, "list", "blog", "--json")
    assert (code, json.loads(said)) == (
        0,
        {
            "ok": True,
            "stack": "live",
            "secrets": [
                {"project": "blog", "name": "KEY", "place": "codeb:projectSecrets.blog", "state": "set"}
            ],
        },
    )


def test_names_that_are_encrypted_as_a_whole_are_decrypted_and_their_values_dropped(
    folder: Folder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.values = {"projectSecrets": {"shop": {"TOKEN": VALUE, "PEM": VALUE}}}
    folder.write(projectSecrets={"shop": {"secure": "v1:abc:def"}})
    code, said = called(capsys, monkeypatch, "list", "shop")
    assert code == 0
    assert [line.split()[1] for line in said.splitlines()] == ["NAME", "PEM", "TOKEN"]


def test_the_stack_s_own_login_is_taken_where_nobody_has_a_token(
    folder: Folder,
    vault: server.Vault,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("VAULT_TOKEN")
    code, said = called(capsys, monkeypatch, "list")
    assert (code, "no login for the vault" in said, "VAULT_TOKEN" in said) == (1, True, True)
    role = vault.logins.role("codeb", "reads")
    folder.values = {
        "vaultCredentials": {"roleId": role.role_id, "secretId": vault.logins.secret_id("codeb")}
    }
    folder.write(vault={"address": vault.url})
    vault.kv.put("projects/shop", {"TOKEN": VALUE, "PEM": VALUE})
    assert called(capsys, monkeypatch, "list")[0] == 0
    code, said = called(capsys, monkeypatch, "set", "shop", "TOKEN", given=VALUE.encode())
    assert (code, "the login's policies refuse to change it" in said) == (1, True)


def test_a_command_without_hvac_says_what_to_install(
    vault: server.Vault, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "hvac", None)
    for module in ("client", "link", "refusals"):
        monkeypatch.delitem(sys.modules, f"ops.vault.{module}", raising=False)
    code, said = called(capsys, monkeypatch, "list")
    assert (code, "pip install" in said) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["set", "shop; reboot", "A"],
        ["set", "../shop", "A"],
        ["set", "shop", "A;B"],
        ["set", "shop", "A.B"],
        ["set", "shop", "A]"],
        ["set", "shop", "-A"],
        ["set", "shop", "A\n"],
        ["set", "shop", ""],
        ["set", "shop", "A" * 129],
        ["set", "shop", "A", VALUE],
        ["set", "shop", "A", "--to", "etc"],
        ["set", "shop"],
        ["list", "Shop"],
        ["frobnicate"],
        [],
    ],
)
def test_what_is_no_name_is_wrong_usage(
    folder: Folder, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["secrets", *arguments, "--stack", "live"])
    assert ended.value.code == 2
    assert folder.told == []
