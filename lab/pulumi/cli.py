"""The Pulumi CLI: the machine's own where it is new enough, else built from the Go module that `go/` pins."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.host import commands
from lab.host.cache import cached, digest_of, digest_of_tree
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.images import toolchains

VERSION: Final = "3.274.1"
"""Of the CLI that is built: as in go/go.mod, which a test compares."""

GO_MODULE: Final = Path(__file__).with_name("go")
LANGUAGE_HOST: Final = "pulumi-language-python"
EXEC: Final = "pulumi-language-python-exec"
_PACKAGE: Final = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_SDK: Final = "github.com/pulumi/pulumi/sdk/v3"
# Without a version the Automation API refuses the CLI.
_LINK: Final = f"-s -w -X {_SDK}/go/common/version.Version=v{VERSION}"


@dataclass(frozen=True)
class Cli:
    """A CLI: the binary, why it is this one, and (of a built one) the program that starts Python programs."""

    binary: Path
    why: str
    exec_file: Path | None = None


def cli(folders: Folders, progress: Progress, ours: Collection[Path]) -> Cli:
    """The CLI to use; `ours` are the folders where the lab puts its own, which a shell of the lab has on its PATH."""
    found, reason = on_path(ours)
    if found:
        return Cli(found, reason)
    folder = build(folders, progress)
    return Cli(folder / "pulumi", f"v{VERSION}, built for the lab ({reason})", folder / EXEC)


def on_path(ours: Collection[Path]) -> tuple[Path | None, str]:
    """The machine's own CLI if it can be used, and why it can or can't."""
    folders = [part for part in os.get_exec_path() if Path(part).resolve() not in ours]
    found = shutil.which("pulumi", path=os.pathsep.join(folders))
    if found is None:
        return None, "none on the PATH"
    binary = Path(found).resolve()
    said = subprocess.run([binary, "version"], capture_output=True, text=True, check=False).stdout.strip()
    needed = importlib.metadata.version("pulumi")
    if toolchains.version_of(said) < toolchains.version_of(needed):
        return (
            None,
            f"{found} is {said}, older than the SDK ({needed})" if said else f"{found} tells no version",
        )
    if not (binary.parent / LANGUAGE_HOST).exists():
        return None, f"{found} has no {LANGUAGE_HOST} beside it"
    return binary, f"{said}, from {found}, not older than the SDK ({needed})"


def build(folders: Folders, progress: Progress) -> Path:
    """Folder with `pulumi` and `pulumi-language-python-exec` of the pinned version: minutes, the first time."""

    def make(part: Path) -> None:
        part.mkdir()
        env = toolchains.go(folders, progress)
        line = ["nice", "go", "build", "-mod=readonly", "-trimpath", "-ldflags", _LINK]
        log = folders.logs / "pulumi.log"
        commands.build(
            [*line, "-o", f"{part}/", _PACKAGE], log, env=env, cwd=GO_MODULE, what="go build of Pulumi"
        )
        shutil.copy2(_sdk_folder(env) / "python" / "cmd" / EXEC, part / EXEC)

    name = f"pulumi-{VERSION}-{digest_of(_LINK, digest_of_tree(GO_MODULE))}"
    return cached(folders.cache / name, make, progress, f"build the Pulumi CLI {VERSION} from source")


def _sdk_folder(env: dict[str, str]) -> Path:
    line = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", _SDK]
    done = subprocess.run(
        line, cwd=GO_MODULE, env={**os.environ, **env}, capture_output=True, text=True, check=True
    )
    return Path(done.stdout.strip())
