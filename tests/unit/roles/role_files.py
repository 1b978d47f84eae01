"""The roles' files as values, and what of them does not hold: each check gives its findings as texts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

NAMES: Final = (
    "architect", "backend-dev", "e2e-tester", "frontend-dev", "infra-ops", "orchestrator", "pm-spec", "qa-gate",
)  # fmt: skip
LEADER: Final = "orchestrator"
DEPLOYER: Final = "infra-ops"
MCP: Final = "mcp__codeb-deploy__"
BUILT_IN: Final = frozenset((
    "Agent", "Artifact", "AskUserQuestion", "Bash", "CronCreate", "CronDelete", "CronList", "Edit",
    "EnterPlanMode", "EnterWorktree", "ExitPlanMode", "ExitWorktree", "Glob", "Grep", "LSP", "ListAgents",
    "ListMcpResourcesTool", "Monitor", "NotebookEdit", "PowerShell", "PushNotification", "Read",
    "ReadMcpResourceTool", "RemoteTrigger", "ScheduleWakeup", "SendMessage", "Skill", "TaskCreate", "TaskGet",
    "TaskList", "TaskOutput", "TaskStop", "TaskUpdate", "TodoWrite", "ToolSearch", "WaitForMcpServers",
    "WebFetch", "WebSearch", "Workflow", "Write",
))  # fmt: skip
"""Claude Code's own: https://code.claude.com/docs/en/tools-reference"""
MAIN_SESSION_ONLY: Final = frozenset(
    {"AskUserQuestion", "EnterPlanMode", "ExitPlanMode", "ScheduleWakeup", "WaitForMcpServers"}
)
"""Not there for roles that are called: https://code.claude.com/docs/en/sub-agents#available-tools"""
SHELLS: Final = frozenset({"Bash", "PowerShell", "Monitor"})
WRITERS: Final = frozenset({"Edit", "Write", "NotebookEdit"})
FIELDS: Final = frozenset({"name", "description", "tools", "model"})
"""Those of https://code.claude.com/docs/en/sub-agents#supported-frontmatter-fields that the roles use."""
PARTS: Final = ("Inputs", "Hand-over", "Done", "Never")
_FRONT: Final = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)
_TOOL: Final = re.compile(r"[^,(]+(?:\([^)]*\))?")
_MOST_LINES: Final = 60


@dataclass(frozen=True)
class Role:
    """One file: `calls` are the roles that it may call by the tool Agent."""

    file: str
    front: dict[str, Any]
    body: str

    @property
    def name(self) -> str:
        return str(self.front.get("name"))

    @property
    def tools(self) -> frozenset[str]:
        found = _TOOL.findall(str(self.front.get("tools", "")))
        return frozenset(each.partition("(")[0].strip() for each in found)

    @property
    def served(self) -> frozenset[str]:
        """Its tools of the MCP server, by the server's names."""
        return frozenset(each.removeprefix(MCP) for each in self.tools if each.startswith(MCP))

    @property
    def calls(self) -> frozenset[str]:
        found = re.search(r"Agent\(([^)]*)\)", str(self.front.get("tools", "")))
        return frozenset(each.strip() for each in found[1].split(",")) if found else frozenset()

    def part(self, title: str) -> str:
        found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", self.body, re.DOTALL | re.MULTILINE)
        return found[1].strip() if found else ""

    def named(self, title: str, word: str) -> frozenset[str]:
        """The roles in lines such as "- to `qa-gate`, `infra-ops`: …"."""
        lines = re.findall(rf"^- {word} ((?:`[^`]+`(?:, )?)+):", self.part(title), re.MULTILINE)
        return frozenset(name for line in lines for name in re.findall(r"`([^`]+)`", line))

    @property
    def receivers(self) -> frozenset[str]:
        return self.named("Hand-over", "to")

    @property
    def givers(self) -> frozenset[str]:
        return self.named("Inputs", "from")


def read(folder: Path) -> list[Role]:
    """All files of the folder. Raises AssertionError for one that is not front matter and a body."""
    return [_parse(file) for file in sorted(folder.iterdir())]


def _parse(file: Path) -> Role:
    found = _FRONT.fullmatch(file.read_text(encoding="utf-8"))
    assert found, f"{file.name}: no front matter between two lines ---"
    front = yaml.safe_load(found[1])
    assert isinstance(front, dict), f"{file.name}: the front matter is no mapping"
    return Role(file.name, front, found[2])


def of_form(roles: list[Role]) -> Iterator[str]:
    """That each is there, named as its file, whole and short."""
    if [role.file for role in roles] != [f"{name}.md" for name in NAMES]:
        yield f"files: {[role.file for role in roles]}"
    for role in roles:
        if f"{role.name}.md" != role.file:
            yield f"{role.file}: its name is {role.name}"
        if unknown := set(role.front) - FIELDS:
            yield f"{role.file}: fields {sorted(unknown)}"
        if "Use it" not in str(role.front.get("description", "")):
            yield f"{role.file}: the description doesn't say when to use it"
        for title in PARTS:
            if not role.part(title):
                yield f"{role.file}: nothing under {title}"
        if role.body.count("\n") > _MOST_LINES:
            yield f"{role.file}: longer than {_MOST_LINES} lines"


def of_tools(roles: list[Role], looks: Collection[str], changes: Collection[str]) -> Iterator[str]:
    """That tools exist, who deploys has no shell and writes nothing, and nobody else deploys."""
    served = {f"{MCP}{name}" for name in (*looks, *changes)}
    for role in roles:
        if not role.tools:
            yield f"{role.file}: names no tools, so it would get all of them"
        if unknown := role.tools - BUILT_IN - served:
            yield f"{role.file}: no such tools: {sorted(unknown)}"
        if role.name != LEADER and (missing := role.tools & (MAIN_SESSION_ONLY | {"Agent"})):
            yield f"{role.file}: the main session's only: {sorted(missing)}"
        if changing := role.served & set(changes):
            if role.name != DEPLOYER:
                yield f"{role.file}: may change what runs: {sorted(changing)}"
            if more := role.tools & (SHELLS | WRITERS):
                yield f"{role.file}: deploys and has {sorted(more)}"
        elif role.name == DEPLOYER:
            yield f"{role.file}: can't deploy"


def of_hand_overs(roles: list[Role]) -> Iterator[str]:
    """That both sides say so, every line of a hand-over is to somebody, and the leader reaches all."""
    by_name = {role.name: role for role in roles}
    for role in roles:
        for line in re.findall(r"^- (?!to `).*", role.part("Hand-over"), re.MULTILINE):
            yield f"{role.file}: handed to nobody: {line}"
        for name in sorted((role.receivers | role.givers | role.calls) - set(by_name)):
            yield f"{role.file}: there is no role {name}"
        for name in sorted(role.receivers & set(by_name)):
            if role.name != LEADER and role.name not in by_name[name].givers:
                yield f"{role.file}: hands over to {name}, which has no input from it"
        for name in sorted(role.givers & set(by_name)):
            if role.name not in by_name[name].receivers:
                yield f"{role.file}: has an input from {name}, which hands nothing over to it"
    leader = by_name.get(LEADER)
    if leader and not leader.calls == leader.receivers == set(by_name) - {LEADER}:
        yield f"{leader.file}: calls {sorted(leader.calls)}, hands over to {sorted(leader.receivers)}"
