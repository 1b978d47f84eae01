"""What a workflow uses of other repositories, and what the lab has for it: a repository of its own, or a stand-in.

Nothing is fetched: an action that is neither is refused before the run begins.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from lab.host.errors import LabError

STAND_INS: Final = Path(__file__).with_name("actions")
_REMOTE: Final = re.compile(r"(?P<name>[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)(?:/[^@]+)?@(?P<ref>[A-Za-z0-9_./-]+)")
_QUEUE: Final = re.compile(r"^ +queue: max\n", re.MULTILINE)
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


def found(checkout: Path, repositories: Path, exports: Path) -> dict[str, Path]:
    """`owner/name@ref` → folder, of all that workflows and actions of a checkout use, and of what that uses.

    Raises:
        LabError: an action has neither a repository nor a stand-in.
    """
    known: dict[str, Path] = {}
    waiting = [checkout]
    while waiting:
        for name, ref in sorted(set(_used(waiting.pop()))):
            key = f"{name}@{ref}"
            if key in known:
                continue
            if (repositories / name).is_dir():
                known[key] = export(repositories, name, ref, exports / key)
                waiting.append(known[key])
            elif (STAND_INS / name).is_dir():
                known[key] = STAND_INS / name
            else:
                raise LabError(
                    f"{key}: neither a repository in {repositories} nor a stand-in",
                    f"write {STAND_INS.name}/{name}/action.yml in lab/delivery, or do without that action",
                )
    return known


def export(repositories: Path, name: str, ref: str, to: Path, *paths: str) -> Path:
    """Files of a commit of a repository, without its history.

    Raises:
        LabError: there is no such repository, commit or path.
    """
    if not _NAME.fullmatch(name) or not (repositories / name).is_dir():
        raise LabError(f"{repositories} has no repository {name}", "make it there with git init or git clone")
    to.mkdir(parents=True)
    git = ["git", "-C", str(repositories / name)]
    asked = [*git, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    if not commit:
        raise LabError(f"{name}@{ref}: no such commit", "commit what the run is to see")
    with subprocess.Popen([*git, "archive", commit, "--", *paths], stdout=subprocess.PIPE) as archive:
        unpacked = subprocess.run(["tar", "-x", "-C", to], stdin=archive.stdout, check=False).returncode
    if archive.returncode or unpacked:
        raise LabError(f"{name}@{ref}: can't be unpacked", f"see that it has {' '.join(paths) or 'files'}")
    return to


def without_queues(checkout: Path) -> None:
    """Take `queue:` of `concurrency:` out of an export's workflows: GitHub's since May 2026, and act refuses what it doesn't
    know. It looks at no concurrency at all, so nothing else changes."""
    for path in (checkout / ".github" / "workflows").glob("*.y*ml"):
        path.write_text(_QUEUE.sub("", path.read_text()))


def _used(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((folder / ".github").rglob("*.y*ml")):
        for text in _texts(yaml.safe_load(path.read_text())):
            if match := _REMOTE.fullmatch(text):
                yield match["name"], match["ref"]


def _texts(document: Any) -> Iterator[str]:
    """The values of all keys `uses`."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key == "uses" and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(document, list):
        for value in document:
            yield from _texts(value)
