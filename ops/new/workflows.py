"""The workflows of an app's repository: those of `templates/app-ci`, which are told where the platform is."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from codeb.model.problems import Problem
from ops.new.template import File, TemplateErrors

FOLDER: Final = ".github/workflows"
_REPOSITORY: Final = "leo/platform"
_COMMIT: Final = "0" * 40
_SECONDS: Final = 10
_GITHUB: Final = re.compile(
    r"(?:https://(?:[^@/\s]+@)?github\.com/|ssh://git@github\.com(?::22)?/|git@github\.com:)"
    r"([A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}?)(?:\.git)?/?"
)
_SCRIPT: Final = re.compile(r" *- run: npm (?:run )?(test|(?<=run )[a-z0-9:-]+)(?: --if-present)?\n")


@dataclass(frozen=True)
class Origin:
    """Where a platform is: its repository at GitHub and a commit of it; "" for what this machine doesn't know.

    `pushed` when GitHub has the commit for certain.
    """

    repository: str = ""
    commit: str = ""
    pushed: bool = False

    @property
    def known(self) -> bool:
        return bool(self.repository and self.commit)


def origin(platform: Path) -> Origin:
    """Where the platform in this folder comes from, as its clone says: the newest commit of main that it has from there."""
    if _git(platform, "rev-parse", "--show-prefix") != "" or not (platform / ".git").exists():
        return Origin()  # unpacked in a folder of somebody else's repository
    found = _GITHUB.fullmatch(_git(platform, "config", "--get", "remote.origin.url") or "")
    main = _git(platform, "rev-parse", "--verify", "--quiet", "refs/remotes/origin/main^{commit}")
    commit = main or _git(platform, "rev-parse", "--verify", "--quiet", "HEAD^{commit}") or ""
    return Origin(found[1] if found else "", commit, bool(main))


def workflows(source: Path, platform: Origin, scripts: Collection[str]) -> Iterator[File]:
    """The files, for an app that has these scripts: lines that run another are left out.

    Raises:
        TemplateErrors: there are none.
    """
    folder = source / FOLDER
    try:
        names = sorted(path.name for path in folder.iterdir() if path.suffix in (".yml", ".yaml"))
        texts = {name: (folder / name).read_text(encoding="utf-8") for name in names}
    except (OSError, ValueError) as error:
        cause = f"can't be read: {getattr(error, 'strerror', None) or error}"
        raise TemplateErrors(
            [Problem(str(folder), 0, 0, "", cause, "Take it from the platform's repository.")]
        ) from None
    for name, text in texts.items():
        if platform.known:
            text = text.replace(_REPOSITORY, platform.repository).replace(_COMMIT, platform.commit)
        text = _SCRIPT.sub(lambda line: line[0] if line[1] in scripts else "", text)
        yield File(f"{FOLDER}/{name}", text.encode())


def hints(platform: Origin, app: str) -> Iterator[str]:
    """What is left to do to the files by hand."""
    how = "as templates/app-ci/README.md says"
    if not platform.known:
        yield (
            f"{app}/{FOLDER}: say {_REPOSITORY} and a commit of zeros, as this folder is no clone from GitHub: put the "
            f"platform's repository and a commit of it there, {how}"
        )
    elif not platform.pushed:
        yield f"{app}/{FOLDER}: take the platform at its commit {platform.commit[:12]}, which has to be pushed, {how}"


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says in a folder; None when it says no, or isn't there."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            env=environment,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
