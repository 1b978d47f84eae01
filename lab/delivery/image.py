"""What stands in for docker/build-push-action: the lab's Podman builds a folder and pushes it to the lab's registry.

Reads the action's inputs from the environment (`BUILD_*`, see `actions/docker/build-push-action`) and writes the output
`digest`. CODEB_LAB_BUILD_ARGS adds build arguments, such as a base image of the lab's own; `npm ci` in a Dockerfile finds
the folder CODEB_LAB_NPM_CACHE as its cache. Attestations (SBOM, provenance) are BuildKit's: the lab makes none, and says so.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.host import Lab
from lab.host.errors import LabError
from lab.images.builder import WORK, Builder
from lab.images.registry import NAME

_OPTIONS: Final = (
    "--quiet",
    "--pull=never",
    "--network=host",
    "--isolation=chroot",
    "--layers",
    "--timestamp=0",
)
_FILES: Final = ("Containerfile", "Dockerfile")


@dataclass(frozen=True)
class Wish:
    """What is to be built: `tags` are whole names, `arguments` are NAME=VALUE."""

    context: Path
    file: str
    tags: tuple[str, ...]
    arguments: tuple[str, ...]
    push: bool
    attested: bool
    npm_cache: Path | None = None


def wish(environ: Mapping[str, str]) -> Wish:
    """The action's inputs.

    Raises:
        LabError: a tag is of another registry than the lab's, or the folder has no Containerfile.
    """
    context = Path(environ["GITHUB_WORKSPACE"], environ.get("BUILD_CONTEXT") or ".").resolve()
    names = [environ["BUILD_FILE"]] if environ.get("BUILD_FILE") else list(_FILES)
    file = next((name for name in names if (context / name).is_file()), "")
    if not file:
        raise LabError(f"{context} has no {' or '.join(names)}", "write one, or name it with `file:`")
    tags = _lines(environ.get("BUILD_TAGS", ""))
    if strange := [tag for tag in tags if not tag.startswith(f"{NAME}/")]:
        raise LabError(f"{strange[0]} is not in the lab's registry", f"set the variable REGISTRY to {NAME}")
    attested = any(environ.get(name, "false") != "false" for name in ("BUILD_SBOM", "BUILD_PROVENANCE"))
    arguments = _lines(environ.get("BUILD_ARGS", "")) + _lines(environ.get("CODEB_LAB_BUILD_ARGS", ""))
    npm_cache = Path(environ["CODEB_LAB_NPM_CACHE"]) if environ.get("CODEB_LAB_NPM_CACHE") else None
    return Wish(context, file, tags, arguments, environ.get("BUILD_PUSH") == "true", attested, npm_cache)


def build(lab: Lab, wanted: Wish) -> str:
    """Build it, and push it under every tag; the digest, empty when it wasn't pushed."""
    builder, digest = Builder(lab.folders, lab.progress), ""
    with builder.scratch() as scratch:
        shutil.copytree(
            wanted.context, scratch / "context", symlinks=True, ignore=shutil.ignore_patterns(".git", ".lab")
        )
        tags = [f"--tag={tag}" for tag in wanted.tags]
        arguments = [f"--build-arg={argument}" for argument in wanted.arguments]
        file = f"--file={WORK}/context/{wanted.file}"
        if wanted.npm_cache is not None:
            shutil.copytree(wanted.npm_cache, scratch / "npm")
            arguments.append(f"--volume={WORK}/npm:/root/.npm")
        builder.apps(["build", *_OPTIONS, file, *arguments, *tags, f"{WORK}/context"], scratch)
        for tag in wanted.tags if wanted.push else ():
            where = f"docker://{lab.registry().address}/{tag.removeprefix(f'{NAME}/')}"
            push = ["push", "--quiet", "--tls-verify=false", f"--digestfile={WORK}/digest", tag, where]
            builder.apps(push, scratch)
            digest = (scratch / "digest").read_text().strip()
    return digest


def main(environ: Mapping[str, str] = os.environ) -> int:
    """The step: build, push, tell the digest."""
    try:
        wanted = wish(environ)
        digest = build(Lab.here(), wanted)
    except LabError as error:
        print(f"::error::{error.cause}: {error.remedy}")
        return 1
    if wanted.attested:
        print("SBOM and provenance are BuildKit's; the lab makes none")
    if digest:
        with Path(environ["GITHUB_OUTPUT"]).open("a") as out:
            out.write(f"digest={digest}\n")
    return 0


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


if __name__ == "__main__":
    sys.exit(main())
