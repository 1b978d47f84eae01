"""`new` and `completion`: a manifest that is valid from the start, and what shells are told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codeb.model import ManifestSource, load_manifests
from ops.cli import main
from ops.complete import SHELLS, projects, stacks
from ops.new import Wanted, asked, manifest, new

REPO = Path(__file__).parents[3]
IMAGE = "ghcr.io/example/shop:1.0.0"
SHOP = Wanted("shop", "shop.example.com", IMAGE)


def read(text: str) -> Any:
    return load_manifests([ManifestSource("shop.yaml", text)])["shop"]


def test_the_smallest_manifest_is_valid_and_says_what_may_come() -> None:
    text = manifest(SHOP, "../project-manifest.schema.yaml")
    found = read(text)
    assert (found.environment.domain, found.environment.image, found.environment.port) == (
        "shop.example.com",
        IMAGE,
        3000,
    )
    assert text.startswith("# yaml-language-server: $schema=../project-manifest.schema.yaml\n")
    everything = text.replace("# variables", "variables").replace("# secrets", "secrets")
    everything = everything.replace("# monitoring", "monitoring").replace("#   health", "  health")
    assert read(everything).environment.secrets == ("PAYMENT_KEY",), "its comments are right, too"


def test_choices_are_in_it() -> None:
    wanted = Wanted("shop", "shop.example.com", IMAGE, 8080, "staging", ("cache", "database"))
    found = read(manifest(wanted, ""))
    assert (found.environment.port, found.environment.stage) == (8080, "staging")
    enabled = [getattr(found.resources, name).enabled for name in ("database", "cache", "storage")]
    assert enabled == [False, False, True]


def test_it_is_written_once_and_never_over_another(tmp_path: Path) -> None:
    first = new(SHOP, tmp_path, None)
    file = tmp_path / "manifests" / "shop.yaml"
    before = file.read_text()
    assert first.ok
    assert first.lines[:2] == (f"{file}: written", "Next:")
    second = new(Wanted("shop", "other.example.com", IMAGE), tmp_path, None)
    assert not second.ok
    assert "stays as it is" in second.problems[0]
    assert file.read_text() == before
    link = tmp_path / "manifests" / "link.yaml"
    link.symlink_to(tmp_path / "elsewhere.yaml")
    assert not new(Wanted("link", "link.example.com", IMAGE), tmp_path, None).ok
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_what_others_have_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    new(SHOP, tmp_path, None)
    result = new(Wanted("store", "shop.example.com", IMAGE), tmp_path, None)
    assert not result.ok
    assert "belongs to" in result.problems[0]
    (tmp_path / "manifests" / "other.yml").write_text(
        manifest(Wanted("taken", "taken.example.com", IMAGE), "")
    )
    assert not new(Wanted("taken", "b.example.com", IMAGE), tmp_path, None).ok
    assert sorted(path.name for path in (tmp_path / "manifests").iterdir()) == ["other.yml", "shop.yaml"]


def test_a_broken_manifest_of_somebody_else_is_a_hint(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "broken.yaml").write_text("project: {id: broken}\n")
    result = new(SHOP, tmp_path, None)
    assert result.ok
    assert "broken.yaml" in result.problems[0]


def test_the_stack_is_asked_when_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text((REPO / "Pulumi.dev.yaml").read_text())
    assert not new(Wanted("shop", "minio.lab.test", IMAGE), tmp_path, "dev").ok
    assert not new(SHOP, tmp_path, "none").ok
    assert new(Wanted("shop", "shop.lab.test", IMAGE), tmp_path, "dev").ok


@pytest.mark.parametrize(
    "wrong",
    [
        {"domain": "shop.example.com\nlifecycle: destroy"},
        {"domain": 'x"}, servers: {pool: other}, y: {"a": "'},
        {"domain": "{$SECRET}.example.com"},
        {"image": "ghcr.io/x:1 # y"},
        {"image": "ghcr.io/x/y:1\nPodmanArgs=--privileged"},
        {"port": 0},
        {"port": 70000},
        {"stage": "other"},
        {"id": "../../etc/cron.d/x"},
        {"id": "postgres"},
    ],
)
def test_hostile_values_write_nothing(tmp_path: Path, wrong: dict[str, Any]) -> None:
    values: dict[str, Any] = {"id": "shop", "domain": "shop.example.com", "image": IMAGE, **wrong}
    assert not new(Wanted(**values), tmp_path, None).ok
    assert not list(tmp_path.rglob("*.yaml"))


def test_what_is_missing_is_asked_for() -> None:
    answers = {"Domain, without https://": "shop.lab.test", "Does it use the platform's cache? (y/n)": "No"}
    wanted = asked(Wanted("shop", "", ""), lambda what, default: answers.get(what, default))
    assert wanted == Wanted("shop", "shop.lab.test", "ghcr.io/example/shop:1.0.0", without=("cache",))


def test_nobody_is_asked_without_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "shop"]) == 2
    assert "--domain and --image are needed" in capsys.readouterr().err
    assert main(["new", "shop", "--domain", "shop.lab.test", "--image", IMAGE, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == "manifests/shop.yaml"


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_is_told_how(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "codeb" in capsys.readouterr().out


def complete(line: str, folder: Path) -> list[str]:
    """What the shell is answered when somebody presses tab at the end of a line."""
    environment = {
        **os.environ, "_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1", "_ARGCOMPLETE_STDOUT_FILENAME": str(folder / "answer"),
    }  # fmt: skip
    argv = [sys.executable, "-c", "from ops.cli import main; main()"]
    subprocess.run(argv, cwd=folder, env={**environment, "PYTHONPATH": str(REPO)}, check=True, timeout=20)
    return (folder / "answer").read_text().split("\n")


def test_tab_completes_verbs_projects_and_stacks(tmp_path: Path) -> None:
    new(SHOP, tmp_path, None)
    (tmp_path / "Pulumi.live.yaml").touch()
    (tmp_path / "Pulumi.yaml").touch()
    assert complete("codeb rel", tmp_path) == ["releases"]
    assert complete("codeb logs sh", tmp_path) == ["shop"]
    assert complete("codeb logs shop --stack ", tmp_path) == ["live"]
    assert complete("codeb logs shop --kind acc", tmp_path) == ["access"]


def test_ids_are_read_without_judging_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "a.yaml").write_text("project: {id: short-form}\n")
    (folder / "b.yaml").write_text("project:\n  name: x\n  id: 'long-form' # y\n")
    (folder / "c.yaml").write_bytes(b"\xff\xfe broken")
    (folder / "d.yaml").write_text("project:\n  id: $(reboot)\n")
    monkeypatch.chdir(tmp_path)
    assert projects() == ["short-form", "long-form"]
    assert stacks() == []
