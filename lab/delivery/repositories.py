"""Two git repositories as GitHub would have them: the platform, which is this project as its owner's copy, and an app."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from lab import paths
from lab.delivery import places
from lab.host.cache import remove
from lab.host.errors import LabError

_PROGRAM: Final = (
    "__main__.py",
    "Pulumi.yaml",
    "pyproject.toml",
    "codeb",
    "ops",
    "components",
    "agent",
    "locks",
    ".github",
)
_TEMPLATE: Final = paths.REPO / "templates" / "app-ci" / ".github"
_UNPINNED: Final = "0" * 40
_IDENTITY: Final = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Leo"), ("EMAIL", "leo@example.com"))
}


def git(folder: Path, *arguments: str, stdin: str | None = None) -> str:
    """What git says in a folder, whatever the machine's own settings of git are. Raises LabError."""
    environment = {
        **os.environ,
        **_IDENTITY,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        input=stdin,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise LabError(
            f"git {' '.join(arguments)} in {folder}: {done.stderr.strip()}", "see the message above"
        )
    return done.stdout.strip()


def ensure(repository: str) -> Path:
    """The clone of a repository, both made when they are not there."""
    bare, clone = places.REPOSITORIES / repository, places.work(repository)
    if not bare.exists():
        bare.mkdir(parents=True)
        git(bare, "init", "--quiet", "--bare", "--initial-branch", "main")
    if not clone.exists():
        clone.mkdir(parents=True)
        git(clone, "init", "--quiet", "--initial-branch", "main")
        git(clone, "remote", "add", "origin", str(bare))
    return clone


def copy_program() -> None:
    """Into the platform's clone: the program, its workflows and its locks, as they are in this project now."""
    clone = ensure(places.PLATFORM)
    for name in _PROGRAM:
        _copy(paths.REPO / name, clone / name)


def copy_app() -> None:
    """Into the app's clone: its sources, and the template's workflows with the platform's commit of now."""
    clone, commit = ensure(places.APP), head(places.PLATFORM)
    for path in places.SOURCES.iterdir():
        if path.name not in ("node_modules", "build", "dist"):
            _copy(path, clone / path.name)
    _copy(_TEMPLATE, clone / ".github")
    for path in (clone / ".github" / "workflows").iterdir():
        path.write_text(path.read_text().replace(_UNPINNED, commit).replace("leo/platform", places.PLATFORM))


def commit(repository: str, message: str, branch: str = "main") -> str:
    """Commit all that is otherwise in the clone, and push it; the branch's commit then."""
    clone = places.work(repository)
    git(clone, "add", "--all")
    if git(clone, "status", "--porcelain"):
        git(clone, "commit", "--quiet", "--message", message)
    git(clone, "push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{branch}")
    return head(repository, branch)


def branch(repository: str, name: str) -> None:
    """Go to a branch of the clone, begun at what main is at GitHub unless it is there."""
    clone = places.work(repository)
    known = git(clone, "branch", "--list", name)
    git(clone, "switch", "--quiet", *([name] if known else ["--create", name, "main"]))


def to_main(repository: str) -> None:
    """Go back to main, as it was pushed, without what wasn't committed."""
    clone = places.work(repository)
    git(clone, "reset", "--quiet", "--hard")
    git(clone, "clean", "--quiet", "-d", "--force")
    git(clone, "switch", "--quiet", "main")


def head(repository: str, branch: str = "main") -> str:
    """A branch's commit at GitHub. Raises LabError."""
    return git(places.REPOSITORIES / repository, "rev-parse", f"refs/heads/{branch}")


def workflows(repository: str, sha: str) -> dict[str, str]:
    """A commit's workflows: the file's name, and its text."""
    bare = places.REPOSITORIES / repository
    names = git(bare, "ls-tree", "--name-only", sha, ".github/workflows/").splitlines()
    return {Path(name).name: git(bare, "show", f"{sha}:{name}") for name in names}


def _copy(source: Path, target: Path) -> None:
    remove(target)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)
