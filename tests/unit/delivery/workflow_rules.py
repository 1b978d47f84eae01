"""What every workflow and action of ours keeps to, as functions that name what doesn't."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from ops import autoscale_commands, backup_commands, ci_commands
from ops.command import Command

PINNED: Final = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # (v\d+\.\d+\.\d+|main)")
WRITES: Final = {"pull-requests", "issues", "packages"}
"""What any job may write; `contents`, `actions`, `id-token`, … are not in it."""
EXPECTED: Final = {"plan", "deploy", "environments", "dispatch", "analyse", "drift"}
"""Commands of `codeb ci` that workflows may call."""

LONGEST: Final = 150
"""Minutes of a job that updates."""
EXAMPLES: Final = {"$PROJECT": "shop", "$STACK": "prod", "$PLAN": "-".join(["0123456789abcdef0123"] * 4)}
"""What the variables in command lines may be."""

Document = dict[str, Any]


def load(path: Path) -> Document:
    """A workflow; `on` is a boolean to YAML 1.1."""
    found = yaml.safe_load(path.read_text())
    return {("on" if key is True else key): value for key, value in found.items()}


def problems(path: Path) -> list[str]:
    """What is wrong with a workflow."""
    workflow = load(path)
    found = [*_uses(path), *_permissions(workflow), *_events(workflow)]
    for name, job in workflow["jobs"].items():
        found += [f"{name}: {problem}" for problem in (*_job(job), *_jobs_permissions(job))]
        for step in job.get("steps", []):
            found += [f"{name}: {problem}" for problem in step_problems(step)]
    return found


def updates(job: Document) -> bool:
    """Whether a job changes a stack."""
    lines = [line for step in job.get("steps", []) for line in commands(step)]
    return any(
        line[1] == "autoscale" or line[2] in ("deploy", "environments") for line in lines if len(line) > 2
    )


def step_problems(step: Document) -> Iterator[str]:
    """What is wrong with a step of a workflow or of an action."""
    run = str(step.get("run", ""))
    if "${{" in run:
        yield f"an expression in a shell line: {run}"
    if "secrets." in str({key: value for key, value in step.items() if key not in ("env", "with")}):
        yield "a secret elsewhere than in env"
    if "secrets." in str(step.get("with", {})):
        yield "a secret as an input of an action"
    uses = str(step.get("uses", ""))
    if uses.startswith("actions/checkout@") and step.get("with", {}).get("persist-credentials") is not False:
        yield "checkout keeps credentials"
    for line in commands(step):
        yield from _command(line)


def commands(step: Document) -> Iterator[list[str]]:
    """Command lines of `codeb` in a step, with values that its variables may have."""
    for text in str(step.get("run", "")).splitlines():
        if text.startswith("codeb "):
            words = shlex.split(text)
            verbs = re.findall(r"'(event|sweep)'", str(step.get("env", {}).get("VERB", "")))
            for verb in verbs or [""]:
                yield [{"$VERB": verb, **EXAMPLES}.get(word, word) for word in words]


def _command(words: list[str]) -> Iterator[str]:
    if words[:2] == ["codeb", "backup"]:
        yield from _parsed("codeb backup", backup_commands.COMMANDS[0], words[2:])
        return
    if words[:2] == ["codeb", "autoscale"]:
        yield from _parsed("codeb autoscale", autoscale_commands.COMMANDS[0], words[2:])
        return
    if words[:2] != ["codeb", "ci"] or words[2] not in EXPECTED:
        yield f"not a command for workflows: {shlex.join(words)}"
        return
    if words[2] not in {verb.name for verb in ci_commands.VERBS}:
        return
    yield from _parsed("codeb ci", ci_commands.COMMANDS[0], words[2:])


def _parsed(program: str, command: Command, words: list[str]) -> Iterator[str]:
    """What the command's own parser says of these words."""
    parser = argparse.ArgumentParser(prog=program)
    command.add_arguments(parser)
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            parser.parse_args(words)
        except SystemExit:
            yield f"{program} {shlex.join(words)}: {said.getvalue().splitlines()[-1]}"


def _uses(path: Path) -> Iterator[str]:
    for text in re.findall(r"^\s*(?:- )?uses: (.+)$", path.read_text(), re.MULTILINE):
        if not text.startswith("./") and not PINNED.fullmatch(text):
            yield f"not pinned by commit, with its version: {text}"


def _permissions(workflow: Document) -> Iterator[str]:
    if workflow.get("permissions") != {}:
        yield "the workflow itself has permissions"
    if "secrets." in str(workflow.get("env", "")):
        yield "a secret for all jobs"


def _events(workflow: Document) -> Iterator[str]:
    if "pull_request_target" in workflow["on"]:
        yield "pull_request_target"


def _job(job: Document) -> Iterator[str]:
    if "steps" in job and not 0 < job.get("timeout-minutes", 0) <= (LONGEST if updates(job) else 60):
        yield "no timeout of an hour or less, or of what updates take"
    if "secrets." in str(job.get("env", "")) or job.get("secrets") == "inherit":
        yield "a secret for all steps"


def _jobs_permissions(job: Document) -> Iterator[str]:
    if "permissions" not in job:
        yield "no permissions of its own"
        return
    for name, level in job["permissions"].items():
        if level != "read" and not (level == "write" and name in WRITES):
            yield f"{name}: {level}"
