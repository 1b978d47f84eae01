"""A work folder with one stack, on which the Pulumi CLI runs programs, and what came of it in the recordings' form."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from lab.pulumi.home import Home

PROJECT, STACK = "conformance", "test"
SIGNATURE = "4dabf18193072939515e22adb298388d"
PLUGIN_VERSION = "__pulumi-go-provider-version"
"""A property that says how the plugin was built; the recordings are of two builds."""

RECORDED = {
    "urn", "type", "custom", "delete", "id", "inputs", "outputs", "parent", "protect", "external", "dependencies",
    "initErrors", "provider", "propertyDependencies", "pendingReplacement", "additionalSecretOutputs", "aliases",
    "importID", "retainOnDelete", "deletedWith", "replaceWith", "ignoreChanges", "replaceOnChanges",
}  # fmt: skip
"""What the recorded states hold of a resource; source positions and times are left out there."""

STACK_TYPE = "pulumi:pulumi:Stack"
OWN_FILES = {"Pulumi.yaml", f"Pulumi.{STACK}.yaml", "__main__.py"}


class Workspace:
    """One stack in a file backend of its own."""

    def __init__(self, folder: Path, home: Home) -> None:
        self._home, self._backend, self.folder = home, folder / "backend", folder / "work"
        self.folder.mkdir()
        self._backend.mkdir()
        (self.folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        self.pulumi("stack", "init", STACK)

    def step(self, program: Path) -> dict[str, Any]:
        """A preview and an update of a program."""
        (self.folder / "__main__.py").write_text(program.read_text())
        previewed = self.pulumi("preview", "--json")
        updated = self.pulumi("up", "--yes", "--skip-preview")
        latest = self.latest()
        resources = latest.get("resources", [])
        return {
            "files": self.files(),
            "outputs": _shown(resources),
            "pending": latest.get("pending_operations", []),
            "preview": _preview(previewed),
            "state": [{key: item[key] for key in sorted(RECORDED & item.keys())} for item in resources],
            "up": {"exit": updated.returncode, "errors": _errors(updated.stdout + updated.stderr)},
        }

    def destroy(self) -> dict[str, Any]:
        """The end of all."""
        destroyed = self.pulumi("destroy", "--yes", "--skip-preview")
        left = [item["urn"] for item in self.latest().get("resources", [])]
        return {"destroy": {"exit": destroyed.returncode, "files": self.files(), "left": left}}

    def files(self) -> dict[str, str]:
        """What the program's commands wrote."""
        return {path.name: path.read_text() for path in self.folder.iterdir() if path.name not in OWN_FILES}

    def latest(self) -> dict[str, Any]:
        """The state as it was last written."""
        path = self._backend / ".pulumi" / "stacks" / PROJECT / f"{STACK}.json"
        latest: dict[str, Any] = json.loads(path.read_text())["checkpoint"]["latest"]
        return latest

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the CLI on the stack, in the work folder."""
        environment = {
            "PATH": f"{self._home.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PULUMI_HOME": str(self._home.folder),
            "PULUMI_BACKEND_URL": f"file://{self._backend}",
            "PULUMI_CONFIG_PASSPHRASE": "conformance",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # What a program leaves in its folder is compared.
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.run(
            [self._home.pulumi, *arguments, "--non-interactive"],
            cwd=self.folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def _preview(previewed: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Exit status, steps (the default provider of command left out) and summary."""
    digest = json.loads(previewed.stdout)
    steps = sorted([step["op"], step["urn"]] for step in digest.get("steps", []))
    return {
        "exit": previewed.returncode,
        "steps": [step for step in steps if "::default" not in step[1]],
        "summary": digest.get("changeSummary", {}),
    }


def _errors(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if "error:" in line]


def _shown(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """The stack's outputs as the CLI shows them."""
    outputs = next((item.get("outputs", {}) for item in resources if item["type"] == STACK_TYPE), {})
    shown: dict[str, Any] = _hidden(outputs)
    return shown


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return "[secret]" if SIGNATURE in value else {key: _hidden(item) for key, item in value.items()}
    return [_hidden(item) for item in value] if isinstance(value, list) else value


def normalized(step: dict[str, Any]) -> dict[str, Any]:
    """A step without what differs from run to run: generated ids, ciphertexts, order, times."""
    if "destroy" in step:
        return {"destroy": {**step["destroy"], "files": _lines(step["destroy"]["files"])}}
    names = {item["id"]: f"<id of {item['urn']}>" for item in step["state"] if item.get("id")}
    by_urn = sorted(
        step["state"], key=lambda item: (item["urn"], item.get("delete", False), item.get("id", ""))
    )
    state = [{key: _field(key, value) for key, value in item.items()} for item in by_urn]
    up = {**step["up"], "errors": _messages(step["up"]["errors"])}
    preview = {key: step["preview"][key] for key in ("exit", "steps", "summary")}
    named: dict[str, Any] = _named({**step, "state": state}, names)
    return {**named, "preview": preview, "up": up, "files": _lines(step["files"])}


def _lines(files: dict[str, str]) -> dict[str, list[str]]:
    """Operations that do not depend on each other come in any order."""
    return {name: sorted(text.splitlines()) for name, text in files.items()}


def _messages(lines: list[str]) -> list[str]:
    """What was wrong with what, without signs of progress.

    Where a resource failed, the program may or may not notice that the CLI goes: what it says then does not count.
    """
    found = {(match[1], message) for match, message in map(_message, lines) if match}
    failed = {(resource, message) for resource, message in found if not resource.startswith(STACK_TYPE)}
    return sorted(f"{resource}: {message}" for resource, message in failed or found)


def _message(line: str) -> tuple[re.Match[str] | None, str]:
    before, _, message = line.rpartition("error: ")
    return re.search(r"(\w+:[\w/]+:\w+ \S+)", before), message


def _field(key: str, value: Any) -> Any:
    if key == "propertyDependencies":
        return {name: sorted(urns) for name, urns in value.items()}
    return sorted(value) if key in ("dependencies", "additionalSecretOutputs") else value


def _named(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        if SIGNATURE in value:
            return {key: "<ciphertext>" if key == "ciphertext" else item for key, item in value.items()}
        return {key: _named(item, names) for key, item in value.items() if key != PLUGIN_VERSION}
    if isinstance(value, list):
        return [_named(item, names) for item in value]
    if isinstance(value, str):
        for id_, name in names.items():
            value = value.replace(id_, name)
    return value
