"""What `make lint` says of workflows and actions: actionlint (do they make sense), zizmor (are they safe), without network.

actionlint calls shellcheck and pyflakes where a machine has them; here it never does, so that it says the same everywhere.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from lab.delivery import act
from lab.host import Lab
from lab.host.errors import LabError
from lab.host.paths import REPOSITORY

ROOTS: Final = (".", "templates/app-ci")
_CONFIG: Final = REPOSITORY / ".github"


def check(roots: Sequence[Path], actionlint: Path) -> int:
    """Check the folder `.github` of each; the exit status of the first tool that found something, 0 when none did.

    Raises:
        LabError: a root has no workflows.
    """
    for root in roots:
        if not any((root / ".github" / "workflows").glob("*.y*ml")):
            raise LabError(f"{root} has no .github/workflows", "say which folder has")
        if code := _actionlint(actionlint, root):
            print(f"(in {root})", file=sys.stderr)
            return code
    zizmor = Path(sys.executable).with_name("zizmor")
    options = ("--offline", "--no-progress", "--strict-collection", "--quiet")
    folders = (root / ".github" for root in roots)
    line: list[str | Path] = [zizmor, *options, "--config", _CONFIG / "zizmor.yml", *folders]
    return subprocess.run(line, check=False).returncode


def _actionlint(program: Path, root: Path) -> int:
    """On a copy that looks like a repository of its own: what a template uses is looked for there."""
    with TemporaryDirectory(prefix="codeb-lint-") as name:
        shutil.copytree(root / ".github", Path(name, ".github"))
        Path(name, ".git").mkdir()
        options = ("-shellcheck=", "-pyflakes=", "-config-file", _CONFIG / "actionlint.yaml")
        return subprocess.run([program, *options], cwd=name, check=False).returncode


def main(arguments: Sequence[str]) -> int:
    """Check the folders named, else this repository's and its template's."""
    roots = [Path(argument).resolve() for argument in arguments] or [REPOSITORY / root for root in ROOTS]
    try:
        return check(roots, act.build_actionlint(Lab.here()))
    except LabError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
