"""App images: built from a folder of sources and pushed to the lab's registry, once per content."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from codeb.sources import is_made
from lab.host import commands, rootfs
from lab.host.cache import (
    DIGEST_LENGTH,
    cached,
    digest_of,
    digest_of_tree,
    ignored,
    locked,
    remove,
    write_atomically,
)
from lab.host.errors import LabError
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.images import modules, store, toolchains
from lab.images.builder import WORK, Builder
from lab.images.registry import NAME, Registry

KEPT_BUILDS = 3
_NAME = re.compile(r"[a-z0-9]+([._/-][a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_SCRIPTS = ("build", "context")
_ALL = ("--include=dev", "--include=optional", "--include=peer")
"""Whatever NODE_ENV or a configuration of whoever runs this leaves out: what is installed is kept for others."""


def left_out(path: str) -> bool:
    """What of a Node app's folder doesn't make another image: what is made, tests and workflows."""
    return is_made(path) or path in ("tests", ".github")


@dataclass(frozen=True)
class Apps:
    """Builds and pushes. The registry must be up."""

    folders: Folders
    registry: Registry
    progress: Progress

    def push(self, source: Path, name: str, tag: str) -> str:
        """Build ``source`` and push it as ``registry.lab.test:5000/<name>:<tag>``; return its digest.

        A folder with a package.json is a Node app: ``npm install`` by its lock file, ``npm run build``, then
        ``npm run context -- FOLDER`` writes the build context, with the tag in ``APP_VERSION``; its ``tests`` do
        not count. Any other folder is a build context itself.
        Nothing is done when the registry already has this content under this tag.

        Raises LabError for an impossible name or tag, a folder without a Containerfile, and failing builds.
        """
        if not _NAME.fullmatch(name) or not _TAG.fullmatch(tag):
            raise LabError(f"{name}:{tag} is no image name", "use small letters, digits, `.`, `-` and `/`")
        if not (source / "Containerfile").exists() and not _is_node(source):
            raise LabError(f"{source} has no Containerfile", "write one; templates/core-cms shows how")
        content = self._content(source)
        pushed = self._pushed().get(f"{name}:{tag}", {})
        if pushed.get("content") == content and self.registry.digest(name, tag) == pushed["digest"]:
            return pushed["digest"]
        builder = Builder(self.folders, self.progress)
        with builder.scratch() as scratch:
            self._context(source, name, tag, content, scratch / "context")
            with self.progress.step(f"image {NAME}/{name}:{tag}"):
                digest = self._build(builder, scratch, name, tag)
        self._note(f"{name}:{tag}", {"content": content, "digest": digest})
        return digest

    def pushed(self, source: Path, name: str, tag: str) -> str | None:
        """Digest with which `source` was pushed as it is now, by what was noted; None when it is yet to be built."""
        noted = self._pushed().get(f"{name}:{tag}", {})
        return noted["digest"] if noted and noted["content"] == self._content(source) else None

    def moved(self, name: str, tag: str) -> bool:
        """Whether another image had the tag before, which hosts may still run: they look for no other of a tag."""
        return "before" in self._pushed().get(f"{name}:{tag}", {})

    def _content(self, source: Path) -> str:
        """Digest of all that the image is made from."""
        base = rootfs.base_place(self.folders)
        node = next(image for image in store.IMAGES if image.name == "node")
        skip = left_out if _is_node(source) else None
        return digest_of(digest_of_tree(source, skip=skip), node.recipe(base))

    def _context(self, source: Path, name: str, tag: str, content: str, context: Path) -> None:
        if _is_node(source):
            built = self._built(source, name, content)
            env = {**toolchains.node(self.folders, self.progress), "APP_VERSION": tag}
            self._npm(["run", "context", "--", str(context)], built, env)
        else:
            shutil.copytree(source, context, symlinks=True)
        if not (context / "Containerfile").exists():
            raise LabError(
                f"`npm run context` of {source} writes no Containerfile",
                "let it copy one; templates/core-cms shows how",
            )

    def _built(self, source: Path, name: str, content: str) -> Path:
        """The sources after ``npm run build``, kept in the cache without their modules."""
        _check_scripts(source / "package.json")

        def make(part: Path) -> None:
            shutil.copytree(source, part, ignore=ignored(source, left_out), symlinks=True)
            env = toolchains.node(self.folders, self.progress)

            # Not `npm ci`: it refuses a lock file when a registry lacks optional packages of other platforms.
            def install() -> None:
                with self.progress.step(f"{source.name}: npm install"):
                    self._npm(["install", *_ALL, "--no-save", "--no-audit", "--no-fund"], part, env)

            packages, tools = self.folders.cache / "packages", toolchains.node_versions(env)
            with (
                modules.installed(part, packages, install, self.progress, tools),
                self.progress.step(f"{source.name}: npm run build"),
            ):
                self._npm(["run", "build"], part, env)
            for rubbish in ("node_modules", ".next/cache"):
                remove(part / rubbish)

        folder = self.folders.cache / "apps" / f"{name.replace('/', '-')}-{content}"
        folder.parent.mkdir(parents=True, exist_ok=True)
        cached(folder, make, self.progress, f"build {source.name} (npm install, npm run build)")
        forget_older(folder)
        return folder

    def _npm(self, words: list[str], folder: Path, env: dict[str, str]) -> None:
        ours = {
            "npm_config_cache": str(self.folders.cache / "npm"),
            "NEXT_TELEMETRY_DISABLED": "1",
            "NODE_ENV": "development" if words[0] == "install" else "production",
            "CI": "1",
        }
        log = self.folders.logs / "apps.log"
        commands.build(
            ["npm", *words], log, env={**ours, **env}, cwd=folder, what=f"npm {' '.join(words[:2])}"
        )

    def _build(self, builder: Builder, scratch: Path, name: str, tag: str) -> str:
        # A fixed time makes the digest depend on the content alone.
        options = [
            "--quiet",
            "--pull=never",
            "--network=host",
            "--isolation=chroot",
            "--layers",
            "--timestamp=0",
        ]
        reference = f"{NAME}/{name}:{tag}"
        builder.apps(["build", *options, f"--tag={reference}", f"{WORK}/context"], scratch)
        where = f"docker://{self.registry.address}/{name}:{tag}"
        push = ["push", "--quiet", "--tls-verify=false", f"--digestfile={WORK}/digest", reference, where]
        builder.apps(push, scratch)
        return (scratch / "digest").read_text().strip()

    @property
    def _record(self) -> Path:
        return self.folders.registry / "pushed.json"

    def _pushed(self) -> dict[str, dict[str, str]]:
        try:
            found: dict[str, dict[str, str]] = json.loads(self._record.read_text())
        except FileNotFoundError:
            return {}
        return found

    def _note(self, reference: str, entry: dict[str, str]) -> None:
        with locked(self._record.with_suffix(".lock")):
            known = self._pushed()
            was = known.get(reference, {})
            before = was["digest"] if was and was["digest"] != entry["digest"] else was.get("before")
            known[reference] = {**entry, **({"before": before} if before else {})}
            write_atomically(self._record, json.dumps(known, indent=1))


def _is_node(source: Path) -> bool:
    return (source / "package.json").exists()


def _check_scripts(package: Path) -> None:
    """Raises LabError for a package.json without the scripts that a build calls."""
    try:
        scripts = json.loads(package.read_text())["scripts"]
        missing = [script for script in _SCRIPTS if script not in scripts]
    except (ValueError, TypeError, KeyError):
        raise LabError(f"{package} is no JSON with scripts", "write it as npm wants it") from None
    if missing:
        raise LabError(f"{package} has no script {missing[0]!r}", "add it; templates/core-cms shows how")


def forget_older(build: Path) -> None:
    """Remove the older builds of an app, but for the newest few; of its own name only (`shop-…` is not `shop-two-…`)."""
    name = re.compile(rf"{re.escape(build.name[:-DIGEST_LENGTH])}[0-9a-f]{{{DIGEST_LENGTH}}}")
    builds = [path for path in build.parent.iterdir() if name.fullmatch(path.name)]
    for old in sorted(builds, key=lambda path: path.stat().st_mtime)[:-KEPT_BUILDS]:
        if old != build:
            remove(old)
