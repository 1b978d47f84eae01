"""`docs/ai-workflow.md`: calls that the server takes and answers so, tables that say what the roles' files say."""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from codeb.changes import release_line
from codeb.model import ManifestSource, load_manifests, parse_settings
from codeb.plan import make_plan
from components.documents import Drafts, Release, releases
from tests.unit.changes.made import ROOT as ROOT_SECRET
from tests.unit.changes.made import SERVER
from tests.unit.mcp.mcp_world import Place
from tests.unit.roles.references import ROOT, of_commands, of_files, of_words, spans
from tests.unit.roles.role_files import SHELLS, WRITERS, read
from tests.unit.roles.served import Tool

PAGE = (ROOT / "docs" / "ai-workflow.md").read_text()
ROLES = {role.name: role for role in read(ROOT / ".claude" / "agents")}
PROJECT = "food-delivery-app"
NONE = "\N{EN DASH}"


@dataclass(frozen=True)
class Call:
    """A role's call of a tool, as the page shows it."""

    role: str
    tool: str
    arguments: dict[str, Any]
    answer: dict[str, Any]


def calls(page: str) -> list[Call]:
    """The blocks marked mcp: `ROLE → TOOL ARGUMENTS`, the answer, and after `said:` the text of others in it."""
    return [_call(block) for block in re.findall(r"^```mcp\n(.*?)^```", page, re.DOTALL | re.MULTILINE)]


def _call(block: str) -> Call:
    head, _, rest = block.partition("\n")
    role, _, call = head.partition(" → ")
    tool, _, arguments = call.partition(" ")
    answer, _, said = rest.partition("\nsaid: ")
    found = json.loads(answer)
    return Call(role, tool, json.loads(arguments), found | {"said": {"text": " ".join(said.split())}})


def of_calls(page: str, served: dict[str, Tool]) -> Iterator[str]:
    """Calls of tools that the role hasn't, with arguments or answers that the server doesn't know."""
    for call in calls(page):
        if call.tool not in ROLES[call.role].served:
            yield f"{call.role} has no tool {call.tool}"
            continue
        for schema, value in (
            (served[call.tool].takes, call.arguments),
            (served[call.tool].gives, call.answer),
        ):
            yield from (f"{call.tool}: {e.message}" for e in Draft202012Validator(schema).iter_errors(value))


def rows(page: str, title: str) -> list[list[str]]:
    """The table under a title, without its head."""
    part = page.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("|")]
    return lines[2:]


def test_every_call_is_one_that_the_server_takes_and_answers_so(served: dict[str, Tool]) -> None:
    assert list(of_calls(PAGE, served)) == []


@pytest.mark.parametrize("tool", ["validate_manifest", "plan_manifest", "preview", "deploy", "rollback"])
def test_the_example_shows_the_way_there_and_back(tool: str) -> None:
    assert tool in [call.tool for call in calls(PAGE)]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("infra-ops → deploy", "qa-gate → deploy", "qa-gate has no tool deploy"),
        ('"plan_id": "3f0c9a41d2b7e8560f1a2b3c"', '"plan_id": "3f0c"', "'3f0c' does not match"),
        ('"needs_approval"', '"approval"', "'approval' was unexpected"),
        ('"what_to_try": []', '"what_to_try": ""', "'' is not of type 'array'"),
        ('"ok": true, "stack": "dev", "refused"', '"stack": "dev", "refused"', "'ok' is a required property"),
    ],
)
def test_a_call_that_is_not_so_is_found(served: dict[str, Tool], old: str, new: str, found: str) -> None:
    assert old in PAGE
    said = list(of_calls(PAGE.replace(old, new), served))
    assert any(found in each for each in said), said


def test_commands_files_and_names_are_there(served: dict[str, Tool]) -> None:
    known = {*served, *(field for tool in served.values() for field in tool.fields)}
    assert [*of_commands(PAGE), *of_files(PAGE), *of_words(PAGE, known)] == []


def test_a_command_file_or_name_that_is_not_there_is_found() -> None:
    page = "`codeb deploy shop`, `docs/none.md`, `plan_all`\n```sh\nmake nothing\nclaude --agent boss --add-dir ../x\n```\n"
    said = [*of_commands(page), *of_files(page), *of_words(page, ())]
    assert [each.partition(":")[0] for each in said] == [
        "`make nothing`", "`claude --agent boss --add-dir ../x`", "`codeb deploy shop`", "`docs/none.md`", "`plan_all`",
    ]  # fmt: skip


def test_the_table_of_tools_is_what_the_files_say(served: dict[str, Tool]) -> None:
    table = {name.strip("`"): rest for name, *rest in rows(PAGE, "Who has what")}
    assert set(table) == set(ROLES)
    for name, (writes, shell, tools) in table.items():
        role = ROLES[name]
        assert (writes != NONE) == bool(role.tools & WRITERS), name
        assert (shell == "yes") == bool(role.tools & SHELLS), name
        all_of_them = tools.startswith("all")
        assert set(served if all_of_them else spans(tools)) == set(role.served), name


def test_the_table_of_hand_overs_is_what_the_files_say() -> None:
    for givers, receivers, _ in rows(PAGE, "What is handed over"):
        for giver in spans(givers):
            assert set(spans(receivers)) <= ROLES[giver].receivers, giver


def test_files_of_the_app_have_the_names_that_the_roles_hand_over() -> None:
    handed = {span for role in ROLES.values() for span in spans(role.body) if span.startswith("APP/")}
    shown = {span for span in spans(PAGE) if span.startswith("APP/")}
    assert {name.replace("NAME", "live-tracking") for name in handed} | handed == shown


def test_the_example_s_manifest_is_right_and_the_preview_says_what_it_changes() -> None:
    before, after = _released("1.4.2", {}), _released("1.5.0", _edit())
    line = release_line(PROJECT, before.summary, after.summary, None)
    [preview] = [call for call in calls(PAGE) if call.tool == "preview"]
    assert preview.answer["said"]["text"] == line


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A server on this repository's manifests, nothing deployed yet."""
    place = Place.make(tmp_path, monkeypatch)
    shutil.rmtree(place.folder / "manifests")
    shutil.copytree(ROOT / "manifests", place.folder / "manifests")
    monkeypatch.setattr("ops.mcp.manifests._known", lambda world, stack: ({}, True))
    return place


def test_the_example_s_plan_is_what_the_tool_says(place: Place) -> None:
    [planned] = [call.answer for call in calls(PAGE) if call.tool == "plan_manifest"]
    said = place.ask_tool("plan_manifest", text=yaml.safe_dump(_manifest("1.5.0", _edit())))
    assert planned | {"said": said["said"]} == said
    assert said["said"]["text"] == ""


def test_the_example_s_missing_secret_is_told_in_the_tool_s_words(place: Place) -> None:
    told, after = [call.answer for call in calls(PAGE) if call.tool == "validate_manifest"]
    (place.folder / "manifests" / f"{PROJECT}.yaml").write_text(yaml.safe_dump(_manifest("1.5.0", _edit())))
    said = place.ask_tool("validate_manifest", path=f"{PROJECT}.yaml")
    assert told | {"said": said["said"]} == said
    assert told["said"]["text"] == "\n".join(said["said"]["text"].splitlines()[1:-1])
    (place.folder / "manifests" / f"{PROJECT}.yaml").write_text(
        yaml.safe_dump(_manifest("1.5.0", _without_secrets()))
    )
    said = place.ask_tool("validate_manifest", path=f"{PROJECT}.yaml")
    assert after | {"said": said["said"]} == said


def _without_secrets() -> dict[str, Any]:
    edit = _edit()
    del edit["environment"]["secrets"]
    return edit


def _edit() -> dict[str, Any]:
    [block] = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    found = yaml.safe_load(block)
    assert isinstance(found, dict)
    return found


def _manifest(version: str, edit: dict[str, Any]) -> dict[str, Any]:
    """The manifest of this repository with an edit."""
    manifest = yaml.safe_load((ROOT / "manifests" / f"{PROJECT}.yaml").read_text())
    for section, fields in edit.items():
        manifest[section] |= copy.deepcopy(fields)
    manifest["environment"]["image"] = f"ghcr.io/leocompany/food-delivery:{version}"
    return dict(manifest)


def _released(version: str, edit: dict[str, Any]) -> Release:
    """What the server is sent for it."""
    settings = parse_settings({"domain": "lab.test", "servers": [SERVER]})
    source = ManifestSource("food.yaml", json.dumps(_manifest(version, edit)))
    plan = make_plan(settings, load_manifests([source], settings), None)
    supplied = {PROJECT: {"MAP_TILES_KEY": "a-key-of-the-tests"}}
    return releases(Drafts(plan), ROOT_SECRET, supplied)[PROJECT]["codeb1"]
