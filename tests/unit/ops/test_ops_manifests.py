"""`codeb validate` and `codeb schema`: exit status, and what goes to which stream."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ops.cli import main

GOOD = "project: {id: shop}\nenvironment: {domain: shop.example.com, image: ghcr.io/x/shop:1}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with one good manifest in manifests/."""
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "shop.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_good_manifests_give_a_line_each(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == [
        "manifests/shop.yaml: shop at https://shop.example.com, ghcr.io/x/shop:1, database, cache, storage",
        "1 manifest, no problems",
    ]


def test_an_image_whose_tag_moves_gets_a_hint(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "manifests" / "shop.yaml").write_text(GOOD.replace("shop:1", "shop:latest"))
    assert main(["validate"]) == 0
    out, err = capsys.readouterr()
    assert "shop.yaml: environment.image: ghcr.io/x/shop:latest is a tag that moves" in err
    assert out.endswith("1 manifest, no problems\n")
    assert main(["validate", "--json"]) == 0
    assert "tag that moves" in json.loads(capsys.readouterr().out)["hints"][0]["cause"]


def test_problems_of_all_paths_go_to_standard_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.yaml").write_text(GOOD + "backup: {enable: true}\n")
    assert main(["validate", "manifests", "bad.yaml", "nothing"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        'bad.yaml:1:15: project.id: id "shop" belongs to manifests/shop.yaml:1. '
        "Give each project its own id.",
        'bad.yaml:2:23: environment.domain: host name "shop.example.com" belongs to manifests/shop.yaml:2. '
        "A host name serves one project; choose another.",
        "bad.yaml:3:10: backup.enable: unknown key. Did you mean enabled?",
        "nothing: can't be read: No such file or directory. Check the path and its permissions.",
        "4 problems in 2 files",
    ]


def test_a_file_named_twice_counts_once(folder: Path) -> None:
    assert main(["validate", "manifests", "manifests/shop.yaml"]) == 0


def test_a_folder_without_manifests_is_a_problem(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "manifests" / "shop.yaml").unlink()
    assert main(["validate"]) == 1
    assert "manifests: has no manifests" in capsys.readouterr().err


def test_json_says_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["ok"] is True
    assert result["manifests"][0]["id"] == "shop"
    (folder / "manifests" / "shop.yaml").write_text("project: 1\n")
    assert main(["validate", "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert result["ok"] is False
    assert {problem["path"] for problem in result["problems"]} == {"project", "environment"}


def test_a_stack_adds_its_hosts_and_pools(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = "{name: a, address: 10.0.0.1, pool: web, knownHostsFile: k}"
    (folder / "Pulumi.live.yaml").write_text(
        f"config:\n  codeb:domain: example.com\n  codeb:servers: [{server}]\n"
    )
    assert main(["validate", "--stack", "live"]) == 1
    assert 'no app server is in pool "default". Write one of: web.' in capsys.readouterr().err
    assert main(["validate", "--stack", "nothing"]) == 1
    assert "Pulumi.nothing.yaml: can't be read" in capsys.readouterr().err


def test_without_a_path_a_stack_s_own_folder_is_checked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "projects").mkdir()
    (folder / "projects" / "blog.yaml").write_text(GOOD.replace("shop", "blog"))
    (folder / "Pulumi.live.yaml").write_text(f"{STACK}  codeb:manifests: projects\n")
    assert main(["validate", "--stack", "live"]) == 0
    assert "projects/blog.yaml: blog at https://blog.example.com" in (said := capsys.readouterr().out)
    assert "shop" not in said
    assert main(["validate", "manifests", "--stack", "live"]) == 0
    assert "manifests/shop.yaml: shop at" in capsys.readouterr().out
    (folder / "Pulumi.live.yaml").write_text(f"{STACK}  codeb:manifests: elsewhere\n")
    assert main(["validate", "--stack", "live"]) == 1
    assert "elsewhere: can't be read" in capsys.readouterr().err


def test_an_image_that_is_known_to_be_vulnerable_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = "{name: a, address: 10.0.0.1, knownHostsFile: k}"
    (folder / "Pulumi.live.yaml").write_text(
        f"config:\n  codeb:domain: example.com\n  codeb:servers: [{server}]\n"
        "  codeb:images: {redis: 'docker.io/library/redis:7.4.1-alpine'}\n"
    )
    assert main(["validate", "--stack", "live"]) == 1
    assert "Pulumi.live.yaml: codeb:images.redis: " in (shown := capsys.readouterr().err)
    assert "CVE-2026-23479" in shown


STACK = """config:
  codeb:domain: example.com
  codeb:servers: [{name: a, address: 10.0.0.1, knownHostsFile: k}]
"""


@pytest.mark.parametrize("secret", ["hunter2", "{secure: v1:abc}"])
def test_a_stack_s_secrets_are_no_problem(
    folder: Path, capsys: pytest.CaptureFixture[str], secret: str
) -> None:
    text = GOOD.replace("shop:1}", "shop:1, secrets: [KEY]}")
    (folder / "manifests" / "shop.yaml").write_text(text)
    (folder / "Pulumi.live.yaml").write_text(f"{STACK}  codeb:projectSecrets: {{shop: {{KEY: {secret}}}}}\n")
    assert main(["validate", "--stack", "live"]) == 0
    captured = capsys.readouterr()
    assert "1 manifest, no problems" in captured.out
    assert ("plain text" in captured.err) == (secret == "hunter2")
    assert "hunter2" not in captured.err
    assert main(["validate", "--stack", "live", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["hints"]) == (secret == "hunter2")


def test_a_secret_that_the_stack_lacks_is_a_problem(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = GOOD.replace("shop:1}", "shop:1, secrets: [KEY]}")
    (folder / "manifests" / "shop.yaml").write_text(text)
    (folder / "Pulumi.live.yaml").write_text(STACK)
    assert main(["validate", "--stack", "live"]) == 1
    assert (
        'manifests/shop.yaml: environment.secrets: "KEY" is not set in stack live.' in capsys.readouterr().err
    )


def test_schema_writes_and_checks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--check"]) == 1
    assert "Run codeb schema." in capsys.readouterr().err
    assert main(["schema"]) == 0
    assert main(["schema", "--check"]) == 0
    (folder / "project-manifest.schema.yaml").write_text("old")
    assert main(["schema", "--check"]) == 1
    assert main(["schema", "--outputs"]) == 0
    assert main(["schema", "--outputs", "--check"]) == 0
    (folder / "stack-outputs.schema.json").write_text("old")
    capsys.readouterr()
    assert main(["schema", "--outputs", "--check"]) == 1
    assert "Run codeb schema --outputs." in capsys.readouterr().err
    assert main(["schema", "--output", "-"]) == 0
    assert capsys.readouterr().out.count("$schema") == 1
