"""The other team's program asks for what there is, in the versions that are pinned here."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import yaml

from codeb.outputs import VERSIONS

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "consumer"


def test_its_pins_are_ours() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    pins = (EXAMPLE / "requirements.txt").read_text().split()
    assert pins
    assert not [pin for pin in pins if pin not in groups["program"]]


def test_it_reads_versions_that_the_program_exports() -> None:
    tree = ast.parse((EXAMPLE / "platform_stack.py").read_text())
    (reads,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and node.value and ast.unparse(node.target) == "READS"
    )
    assert reads == {name: VERSIONS[name] for name in reads}


def test_its_readme_sets_what_the_project_declares() -> None:
    declared = yaml.safe_load((EXAMPLE / "Pulumi.yaml").read_text())["config"]
    text = (EXAMPLE / "README.md").read_text()
    for key, described in declared.items():
        name = key.removeprefix("reporting:")
        assert "default" in described or f"pulumi config set {name} " in text
