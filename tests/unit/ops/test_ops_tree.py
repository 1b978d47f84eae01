"""Any change of what a run reads changes the hash; nothing else does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.request import VARIABLE, request_text
from ops.tree import tree

SETTINGS = """\
config:
  codeb:domain: lab.test
  codeb:rootSecretFile: hosts/secret
  codeb:servers: [{name: a, knownHostsFile: hosts/known}, 5]
"""
Change = Callable[[Path], object]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in (
        "manifests",
        "codeb/data",
        "components",
        "agent/__pycache__",
        ".lab",
        "docs",
        "ops",
        "lab",
        "hosts",
    ):
        (tmp_path / name).mkdir(parents=True)
    for name in (
        "Pulumi.yaml",
        "__main__.py",
        "manifests/shop.yaml",
        "codeb/names.py",
        "codeb/data/vultr.yaml",
        "ops/ssh.py",
        "lab/__init__.py",
        "hosts/known",
        "hosts/secret",
    ):
        (tmp_path / name).write_text(f"{name}: 1\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(SETTINGS)
    return tmp_path


CHANGES: dict[str, Change] = {
    "a manifest": lambda p: (p / "manifests/shop.yaml").write_text("manifests/shop.yaml: 2\n"),
    "a new manifest": lambda p: (p / "manifests/blog.yaml").write_text(""),
    "a manifest's name": lambda p: (p / "manifests/shop.yaml").rename(p / "manifests/ship.yaml"),
    "no manifest": lambda p: (p / "manifests/shop.yaml").unlink(),
    "the settings": lambda p: (p / "Pulumi.dev.yaml").write_text(SETTINGS.replace("test", "tess")),
    "settings that are no YAML": lambda p: (p / "Pulumi.dev.yaml").write_text("config: [\n"),
    "the project": lambda p: (p / "Pulumi.yaml").write_text("x"),
    "the program": lambda p: (p / "codeb/data/vultr.yaml").write_text("x"),
    "the entry": lambda p: (p / "__main__.py").unlink(),
    "what the program takes from the commands": lambda p: (p / "ops/ssh.py").write_text("x"),
    "a module in another's place": lambda p: (p / "yaml.py").write_text("x"),
    "a compiled one": lambda p: (p / "yaml.pyc").write_text("x"),
    "a package in another's place": lambda p: (p / "jinja2").mkdir() or (p / "jinja2/__init__.py").write_text(""),
    "a package's part": lambda p: (p / "lab/x.py").write_text("x"),
    "the known hosts": lambda p: (p / "hosts/known").write_text("x"),
    "the root secret": lambda p: (p / "hosts/secret").write_text("x"),
}  # fmt: skip
SAME: dict[str, Change] = {
    "how the CLI encrypts": lambda p: (p / "Pulumi.dev.yaml").write_text(
        f"encryptionsalt: v1:abc\n{SETTINGS.replace('lab.test', chr(39) + 'lab.test' + chr(39))}"
    ),
    "another stack": lambda p: (p / "Pulumi.prod.yaml").write_text("config: {}\n"),
    "compiled modules": lambda p: (p / "agent/__pycache__/x.pyc").write_text("x"),
    "docs": lambda p: (p / "docs/manifest.md").write_text("x"),
    "a folder that is no package": lambda p: (p / "lab2").mkdir() or (p / "lab2/x.py").write_text("x"),
    "times": lambda p: os.utime(p / "manifests/shop.yaml", (1, 1)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_changes_the_hash(project: Path, change: str) -> None:
    before = tree(project, "dev")
    CHANGES[change](project)
    assert tree(project, "dev") != before


@pytest.mark.parametrize("change", SAME)
def test_what_no_run_reads_does_not(project: Path, change: str) -> None:
    before = tree(project, "dev")
    SAME[change](project)
    assert tree(project, "dev") == before


def test_the_settings_say_where_the_manifests_are(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text("config:\n  codeb:manifests: others\n")
    before = tree(project, "dev")
    (project / "others").mkdir()
    (project / "others" / "a.yaml").write_text("a")
    assert tree(project, "dev") != before


def test_settings_elsewhere_count_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_OPTION_CONFIG_FILE", str(project / "elsewhere.yaml"))
    before = tree(project, "dev")
    (project / "elsewhere.yaml").write_text("config: {a: b}\n")
    assert tree(project, "dev") != before


def test_what_is_asked_for_counts(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that was approved with one request is not the plan of another."""
    monkeypatch.delenv(VARIABLE, raising=False)
    without = tree(project, "dev")
    monkeypatch.setenv(VARIABLE, "")
    assert tree(project, "dev") == without, "workflows set variables to nothing"
    found = {without}
    for text in (request_text({}, {}, []), request_text({}, {}, ["shop-pr-1"]), "\udcff"):
        monkeypatch.setenv(VARIABLE, text)
        assert tree(project, "dev") not in found
        found.add(tree(project, "dev"))


def test_a_pipe_among_the_manifests_holds_nobody_up(project: Path) -> None:
    os.mkfifo(project / "manifests" / "pipe.yaml")
    assert tree(project, "dev")
