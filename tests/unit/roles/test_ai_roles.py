"""The AI roles of `.claude/agents`: whole, with tools that exist, handing over to each other; who deploys has no shell."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.roles.references import ROOT, of_commands, of_files, of_tools_named, of_words
from tests.unit.roles.role_files import Role, of_form, of_hand_overs, of_tools, read
from tests.unit.roles.served import Tool

FOLDER = ROOT / ".claude" / "agents"


def findings(folder: Path, served: dict[str, Tool]) -> Iterator[str]:
    """All that is wrong with the roles of a folder."""
    roles = read(folder)
    looks = [name for name, tool in served.items() if not tool.changes]
    changes = [name for name, tool in served.items() if tool.changes]
    yield from of_form(roles)
    yield from of_tools(roles, looks, changes)
    yield from of_hand_overs(roles)
    for role in roles:
        yield from (f"{role.file}: {each}" for each in _of_text(role, served))


def _of_text(role: Role, served: dict[str, Tool]) -> Iterator[str]:
    known = {*served, *(field for tool in served.values() for field in tool.fields)}
    yield from of_commands(role.body)
    yield from of_files(role.body)
    yield from of_words(role.body, known)
    yield from of_tools_named(role.body, role.served, served)


def test_the_roles_hold(served: dict[str, Tool]) -> None:
    assert list(findings(FOLDER, served)) == []


def test_the_deployer_has_every_tool_of_the_server(served: dict[str, Tool]) -> None:
    [deployer] = [role for role in read(FOLDER) if role.name == "infra-ops"]
    assert deployer.served == set(served)


@pytest.mark.parametrize(
    ("file", "old", "new", "found"),
    [
        ("qa-gate.md", "name: qa-gate", "name: gate", "its name is gate"),
        ("qa-gate.md", "tools: Read", "tool: Read", "names no tools"),
        ("qa-gate.md", "tools: Read", "color: red\ntools: Read", "fields ['color']"),
        ("qa-gate.md", " Use it after", " After", "doesn't say when to use it"),
        ("qa-gate.md", "## Done", "## Ready", "nothing under Done"),
        ("qa-gate.md", "Bash,", "Shell,", "no such tools: ['Shell']"),
        ("qa-gate.md", "__validate_manifest", "__validate", "no such tools: ['mcp__codeb-deploy__validate']"),
        ("qa-gate.md", "Bash,", "Bash, mcp__codeb-deploy__deploy,", "may change what runs: ['deploy']"),
        ("qa-gate.md", "Bash,", "Agent,", "the main session's only: ['Agent']"),
        ("qa-gate.md", "- to `orchestrator`", "- to `manager`", "there is no role manager"),
        ("qa-gate.md", "- to `orchestrator`", "- for the `orchestrator`", "handed to nobody"),
        ("qa-gate.md", "- to `orchestrator`", "- to `pm-spec`", "pm-spec, which has no input from it"),
        ("qa-gate.md", "- from `architect`", "- from `pm-spec`", "pm-spec, which hands nothing over to it"),
        ("qa-gate.md", "`validate_manifest`", "`validate_manifests`", "neither a tool nor a field of one"),
        ("qa-gate.md", "`validate_manifest`", "`preview`", "it has no such tool"),
        ("infra-ops.md", "tools: Read", "tools: Bash, Read", "deploys and has ['Bash']"),
        ("infra-ops.md", "tools: Read", "tools: Write, Edit, Read", "deploys and has ['Edit', 'Write']"),
        ("infra-ops.md", "codeb approve PLAN_ID", "codeb aprove PLAN_ID", "invalid choice: 'aprove'"),
        ("infra-ops.md", "--rollback PROJECT", "--back PROJECT", "is not a plan id"),
        ("infra-ops.md", "`docs/mcp.md`", "`docs/assistants.md`", "no such file"),
        ("orchestrator.md", "qa-gate, infra-ops)", "infra-ops)", "orchestrator.md: calls"),
    ],
)  # fmt: skip
def test_what_is_changed_is_found(
    tmp_path: Path, served: dict[str, Tool], file: str, old: str, new: str, found: str
) -> None:
    folder = _copy(tmp_path)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    assert any(found in each for each in findings(folder, served)), list(findings(folder, served))


def test_a_role_that_is_missing_is_found(tmp_path: Path, served: dict[str, Tool]) -> None:
    folder = _copy(tmp_path)
    (folder / "pm-spec.md").unlink()
    said = list(findings(folder, served))
    assert any(each.startswith("files: ") for each in said)
    assert "architect.md: there is no role pm-spec" in said


def test_a_deployer_without_its_tools_is_found(tmp_path: Path, served: dict[str, Tool]) -> None:
    folder = _copy(tmp_path)
    text = (folder / "infra-ops.md").read_text()
    for name in ("deploy", "rollback"):
        text = text.replace(f", mcp__codeb-deploy__{name}", "")
    (folder / "infra-ops.md").write_text(text)
    assert "infra-ops.md: can't deploy" in list(findings(folder, served))


def _copy(place: Path) -> Path:
    return Path(shutil.copytree(FOLDER, place / "agents"))
