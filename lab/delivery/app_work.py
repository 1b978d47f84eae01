"""What a developer does with the scratch app: release a version, break the build, open a pull request. Each is a push."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from lab.delivery import places, repositories
from lab.delivery.flow import Delivery
from lab.delivery.github import issues

DEVELOPER: Final = "kim"
_FIRST: Final = "1.0.0"
_VERSION: Final = re.compile(r'(?<=VERSION = ")[^"]+')


def failures() -> list[str]:
    """Names of the prepared ones."""
    return sorted(path.stem for path in places.FAILURES.glob("*.patch"))


def next_version() -> str:
    """One after what main has."""
    clone = places.work(places.APP)
    if not _file(clone).exists():
        return _FIRST
    major, minor, patch = _version(clone).split(".")
    return f"{major}.{minor}.{int(patch) + 1}"


def release(version: str) -> str:
    """The app's sources as they are here, with a version, are on main; the commit."""
    clone = _sources()
    _set_version(clone, version)
    return repositories.commit(places.APP, f"Version {version}")


def break_build(name: str) -> str:
    """A prepared failure is on main; the commit."""
    version = _version(places.work(places.APP))
    clone = _sources()
    _set_version(clone, version)
    repositories.git(clone, "apply", str(places.FAILURES / f"{name}.patch"))
    return repositories.commit(places.APP, f"Prepared failure: {name}")


def propose(delivery: Delivery, branch: str, version: str) -> int:
    """A pull request with another version, of a branch that begins at main; its number."""
    repositories.to_main(places.APP)
    sha = _on_branch(branch, version)
    return issues.open_pull(delivery.hub, places.APP, f"Version {version}", branch, sha, DEVELOPER)


def push_again(delivery: Delivery, number: int, version: str) -> None:
    """Another commit on a pull request's branch."""
    branch = issues.pull(delivery.hub, places.APP, str(number))["head"]["ref"]
    issues.move_pull(delivery.hub, places.APP, number, _on_branch(branch, version))


def _on_branch(branch: str, version: str) -> str:
    repositories.branch(places.APP, branch)
    _set_version(places.work(places.APP), version)
    sha = repositories.commit(places.APP, f"Version {version}", branch)
    repositories.to_main(places.APP)
    return sha


def _sources() -> Path:
    clone = repositories.ensure(places.APP)
    if repositories.git(clone, "branch", "--list", "main"):
        repositories.to_main(places.APP)
    repositories.copy_app()
    return clone


def _file(clone: Path) -> Path:
    return clone / "src" / "version.ts"


def _version(clone: Path) -> str:
    return _VERSION.findall(_file(clone).read_text())[0]  # type: ignore[no-any-return]


def _set_version(clone: Path, version: str) -> None:
    _file(clone).write_text(_VERSION.sub(version, _file(clone).read_text()))
