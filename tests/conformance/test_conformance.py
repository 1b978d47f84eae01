"""The lab engine does what the real engine did: every case of this folder, step by step, in processes of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

import lab.engine.monitor
import lab.engine.program  # noqa: F401 (with the monitor: what the forked processes need)
import pytest
from lab.engine.__main__ import main

HERE = Path(__file__).parent
CASES = sorted(folder for folder in HERE.iterdir() if (folder / "expected.json").exists())
PROJECT, STACK = "conformance", "test"
SIGNATURE = "4dabf18193072939515e22adb298388d"
PLUGIN_VERSION = "__pulumi-go-provider-version"
"""A property that says how the plugin was built; the recordings are of two builds."""
OWN_FILES = {"Pulumi.yaml", "__main__.py"}
ORDERED = {"03-delete-in-reverse-order", "10-delete-before-replace"}
"""Cases that fix the order of what their commands write; elsewhere, independent operations come in any order."""
COMPARED = {
    "urn", "type", "custom", "delete", "id", "inputs", "outputs", "parent", "protect", "external", "dependencies",
    "initErrors", "provider", "propertyDependencies", "pendingReplacement", "additionalSecretOutputs", "aliases",
    "importID", "retainOnDelete", "deletedWith", "replaceWith", "ignoreChanges", "replaceOnChanges",
}  # fmt: skip
"""What the recorded states hold; source positions and times are left out there."""


class Workspace:
    """A work folder with one stack, on which the engine is run as a command."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.backend = folder / "work", folder / "backend"
        self.folder.mkdir()
        self.backend.mkdir()
        (self.folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m lab.engine` with these arguments, in a process of its own (forked: imports take seconds)."""
        place = ["--cwd", str(self.folder), "--stack", STACK, "--backend", str(self.backend)]
        argv = [*arguments, *place]
        out, err = self.folder.parent / "out", self.folder.parent / "err"
        process = os.fork()
        if process == 0:
            _become(argv, out, err)
        _, status = os.waitpid(process, 0)
        code = os.waitstatus_to_exitcode(status)
        return subprocess.CompletedProcess(argv, code, out.read_text(), err.read_text())

    def deployment(self) -> dict[str, Any]:
        """The deployment in the state file."""
        path = self.backend / ".pulumi" / "stacks" / PROJECT / f"{STACK}.json"
        document = json.loads(path.read_text())
        assert document["version"] == 3
        latest: dict[str, Any] = document["checkpoint"]["latest"]
        return latest

    def files(self) -> dict[str, str]:
        """What the program's commands wrote."""
        return {path.name: path.read_text() for path in self.folder.iterdir() if path.name not in OWN_FILES}


def _become(argv: list[str], out: Path, err: Path) -> NoReturn:
    """Be the engine's command, and end."""
    code = 70
    try:
        os.environ["PULUMI_CONFIG_PASSPHRASE"] = "conformance"
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        code = main(argv)
        sys.stdout.flush()
        sys.stderr.flush()
    except Exception:  # noqa: BLE001 (a forked child must never return into pytest)
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


@pytest.mark.engine
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    *steps, last = json.loads((case / "expected.json").read_text())
    for number, expected in enumerate(steps, start=1):
        (workspace.folder / "__main__.py").write_text((case / f"step{number}.py").read_text())
        compare_preview(workspace.run("preview", "--json"), expected["preview"])
        compare_up(workspace.run("up"), expected["up"])
        outputs = workspace.run("outputs")
        resources = workspace.deployment().get("resources", [])
        shown = _replaced(json.loads(outputs.stdout), id_names(resources))
        assert shown == _replaced(expected["outputs"], id_names(expected["state"])), "outputs"
        assert normalized(resources) == normalized(expected["state"]), "state"
        assert workspace.deployment().get("pending_operations", []) == expected["pending"], "pending"
        assert unordered(workspace.files(), case) == unordered(expected["files"], case), "files"
    if "destroy" in last:
        destroyed = workspace.run("destroy")
        assert destroyed.returncode == last["destroy"]["exit"], destroyed.stdout + destroyed.stderr
        assert unordered(workspace.files(), case) == unordered(last["destroy"]["files"], case), "files"
        left = [item["urn"] for item in workspace.deployment().get("resources", [])]
        assert left == last["destroy"]["left"]


def compare_preview(preview: subprocess.CompletedProcess[str], expected: dict[str, Any]) -> None:
    """Exit status, steps (the default provider of command left out) and summary."""
    assert preview.returncode == expected["exit"], preview.stdout + preview.stderr
    digest = json.loads(preview.stdout)
    steps = [[step["op"], step["urn"]] for step in digest.get("steps", [])]
    shown = sorted(step for step in steps if "::default" not in step[1])
    assert shown == expected["steps"]
    assert digest.get("changeSummary", {}) == expected["summary"]


def compare_up(up: subprocess.CompletedProcess[str], expected: dict[str, Any]) -> None:
    """Exit status, and which resources failed."""
    text = up.stdout + up.stderr
    assert up.returncode == expected["exit"], text
    assert failed_resources(text.splitlines()) == failed_resources(expected["errors"]), text


def failed_resources(lines: list[str]) -> set[str]:
    """`type name` of the resources whose lines say that they failed."""
    pattern = re.compile(r"(\S+:\S+) (\S+) \*\*\S.* failed\*\*")
    return {f"{match[1]} {match[2]}" for match in map(pattern.search, lines) if match}


def id_names(resources: list[dict[str, Any]]) -> dict[str, str]:
    """Generated ids, and what stands for them."""
    return {item["id"]: f"<id of {item['urn']}>" for item in resources if item.get("id")}


def normalized(resources: list[dict[str, Any]]) -> list[Any]:
    """Resources in a fixed order, generated ids by the resource they belong to, ciphertexts blanked."""
    names = id_names(resources)
    ordered = sorted(resources, key=lambda item: (item["urn"], item.get("delete", False), item.get("id", "")))
    return [
        _replaced({key: _field(key, item[key]) for key in COMPARED & item.keys()}, names) for item in ordered
    ]


def _field(key: str, value: Any) -> Any:
    if key == "propertyDependencies":
        return {name: sorted(urns) for name, urns in value.items()}
    return sorted(value) if key in ("dependencies", "additionalSecretOutputs") else value


def _replaced(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        if SIGNATURE in value:
            return {key: "<ciphertext>" if key == "ciphertext" else item for key, item in value.items()}
        return {key: _replaced(item, names) for key, item in value.items() if key != PLUGIN_VERSION}
    if isinstance(value, list):
        return [_replaced(item, names) for item in value]
    if isinstance(value, str):
        for id_, name in names.items():
            value = value.replace(id_, name)
    return value


def unordered(files: dict[str, str], case: Path) -> dict[str, Any]:
    """Files line by line, in order where the case fixes it."""
    return {
        name: text.splitlines() if case.name in ORDERED else sorted(text.splitlines())
        for name, text in files.items()
    }
