"""Repositories as GitHub would have them, and runs of their workflows in which every `codeb` only writes down its call."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lab.delivery.act import Act, Ended, Line, Run
from lab.host.paths import REPOSITORY

PLATFORM: Final = "leo/platform"
APP: Final = "leo/shop"
TEMPLATE: Final = REPOSITORY / "templates" / "app-ci"
DIGEST: Final = f"sha256:{'5' * 64}"
PLACEHOLDER: Final = "0" * 40
SECRETS: Final = {
    name: f"value-of-{name}".lower()
    for name in (
        *("PULUMI_CONFIG_PASSPHRASE", "STATE_ACCESS_KEY_ID", "STATE_SECRET_ACCESS_KEY", "VULTR_API_KEY"),
        *("SLACK_WEBHOOK_URL", "APPS_TOKEN", "ANTHROPIC_API_KEY", "PLATFORM_TOKEN"),
    )
}
VARIABLES: Final = {"PULUMI_BACKEND_URL": "s3://state", "REGISTRY": "registry.lab.test:5000"}
_MAKEFILE: Final = "lint test-unit:\n\t@$(CODEB_VENV)/bin/codeb make $@\n"
SCRIPTS: Final = (
    "typecheck", "lint", "test", "build", "context", "services", "test:integration", "e2e", "licences", "audit",
)  # fmt: skip
"""Of the app's package.json, as the workflow runs them."""


@dataclass(frozen=True)
class Call:
    """A command that a workflow ran."""

    words: list[str]
    environment: dict[str, str]
    folder: str
    commit: str
    event: dict[str, Any]

    @property
    def line(self) -> str:
        """The command line without `codeb`."""
        return " ".join(self.words)


@dataclass
class World:
    """Two repositories, the platform's and an app's, each with a first commit, and runs of their workflows."""

    folder: Path
    act: Act
    node: Mapping[str, str]
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        tools = self.folder / "venv" / "bin"
        tools.mkdir(parents=True)
        shutil.copy2(Path(__file__).with_name("codeb.py"), tools / "codeb")
        shutil.copytree(REPOSITORY / ".github", self.repository(PLATFORM) / ".github")
        (self.repository(PLATFORM) / "Makefile").write_text(_MAKEFILE)
        self.commit(PLATFORM)
        self._app()
        self.environment |= {
            "CODEB_VENV": str(tools.parent),
            "CODEB_CALLS": str(self.folder / "calls.jsonl"),
            "CODEB_LAB_BUILDER": str(self._builder()),
            **self.node,
        }

    def repository(self, name: str) -> Path:
        """Its folder."""
        return self.act.repositories / name

    def commit(self, name: str, message: str = "A change") -> str:
        """Commit all that is there; the commit's id."""
        folder = self.repository(name)
        if not (folder / ".git").exists():
            git(folder, "init", "--quiet", "--initial-branch", "main")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
        return self.head(name)

    def head(self, name: str) -> str:
        """The newest commit of main."""
        return git(self.repository(name), "rev-parse", "main")

    def run(
        self,
        name: str,
        workflow: str,
        event_name: str,
        event: Mapping[str, Any] | None = None,
        *,
        tell: Callable[[Line], object] = lambda line: None,
        **more: Any,
    ) -> Ended:
        """Run a workflow of main's newest commit."""
        environment = {**self.environment, **more.pop("environment", {})}
        variables = {**VARIABLES, **more.pop("variables", {})}
        run = Run(
            name, self.head(name), workflow, event_name, event or {},
            secrets=SECRETS, variables=variables, environment=environment, **more,
        )  # fmt: skip
        return self.act.run(run, tell)

    def calls(self) -> list[Call]:
        """What was called so far, in order."""
        path = self.folder / "calls.jsonl"
        return [Call(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []

    def lines(self) -> list[str]:
        """Their command lines."""
        return [call.line for call in self.calls()]

    def _app(self) -> None:
        folder = self.repository(APP)
        shutil.copytree(TEMPLATE / ".github", folder / ".github")
        for path in (folder / ".github" / "workflows").iterdir():
            path.write_text(path.read_text().replace(PLACEHOLDER, self.head(PLATFORM)))
        package = {
            "name": "shop",
            "version": "1.0.0",
            "scripts": {name: f'"$CODEB_VENV/bin/codeb" npm {name}' for name in SCRIPTS},
        }
        lock = {**package, "lockfileVersion": 3, "requires": True, "packages": {"": {"name": "shop"}}}
        (folder / "package.json").write_text(json.dumps(package))
        (folder / "package-lock.json").write_text(json.dumps(lock))
        (folder / "Dockerfile").write_text("FROM scratch\n")
        self.commit(APP)

    def _builder(self) -> Path:
        path = self.folder / "builder"
        path.write_text(
            '#!/bin/sh\n"$CODEB_VENV/bin/codeb" builder\n'
            f'[ "$BUILD_PUSH" != true ] || echo "digest={DIGEST}" >>"$GITHUB_OUTPUT"\n'
        )
        path.chmod(0o755)
        return path


def git(folder: Path, *words: str) -> str:
    """What git says."""
    folder.mkdir(parents=True, exist_ok=True)
    author = ("-c", "user.name=Leo", "-c", "user.email=leo@example.com")
    line = ["git", *author, "-C", str(folder), *words]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()


def pull_request(
    name: str, *, action: str = "opened", number: int = 12, fork: bool = False
) -> dict[str, Any]:
    """The event of a pull request, of the repository itself or of a fork."""
    head = {"sha": "a" * 40, "ref": "a-branch", "repo": {"full_name": "eve/fork" if fork else name}}
    request = {"number": number, "head": head, "base": {"ref": "main"}, "title": "A title; touch /tmp/pwned"}
    return {"action": action, "number": number, "pull_request": request}


def finished(name: str, commit: str, *, conclusion: str = "success", fork: bool = False) -> dict[str, Any]:
    """The event of a workflow run that has ended."""
    run = {
        "id": 41,
        "conclusion": conclusion,
        "head_branch": "main",
        "head_sha": commit,
        "head_repository": {"full_name": "eve/fork" if fork else name},
    }
    return {"action": "completed", "workflow_run": run}
