"""The lab's images: built once a recipe, in the store that every host mounts read-only."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.host import rootfs
from lab.host.cache import digest_of, digest_of_tree, locked, write_atomically
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.images import pins
from lab.images.builder import WORK, Builder
from lab.images.monitoring.programs import BUILDS
from lab.images.payloads import GO_MODULE, MAKERS, Payloads

CONTEXTS = Path(__file__).with_name("contexts")
REPOSITORY = "localhost/lab"
BASE = f"{REPOSITORY}/base:trixie"


@dataclass(frozen=True)
class Image:
    """A lab image: its name and tag, the pins and whether Go modules go into it."""

    name: str
    tag: str
    pins: tuple[str, ...] = ()
    from_go: bool = False
    arguments: tuple[str, ...] = ()
    """`NAME=value` of the Containerfile's arguments that aren't its defaults."""
    payload: str = ""
    """What goes into it, when that isn't called like the image."""

    @property
    def is_built(self) -> bool:
        """Whether its programs are built here, which takes minutes."""
        return self.from_go or self.name in BUILDS

    @property
    def reference(self) -> str:
        """What units name, e.g. ``localhost/lab/postgres:16``."""
        return f"{REPOSITORY}/{self.name}:{self.tag}"

    def recipe(self, base: Path) -> str:
        """Digest of all that the image is made from."""
        known = pins.load()
        parts = [asdict(known[name]) for name in self.pins]
        modules = digest_of_tree(GO_MODULE) if self.from_go else ""
        own: list[object] = [self.arguments] if self.arguments else []
        own += [BUILDS[self.name].recipe] if self.name in BUILDS else []
        return digest_of(base.name, digest_of_tree(CONTEXTS / self.name), parts, modules, *own)


IMAGES = (
    Image("redis", "7"),
    Image("postgres", "16", pins=("postgres-server", "postgres-clients")),
    Image("caddy", "2.11.7", pins=("caddy",)),
    Image("node", "22", pins=("node",)),
    Image("minio", "2026-02-12", from_go=True),
)
NEXT_POSTGRES = Image(
    "postgres", "17", pins=("postgres-17",), arguments=("MAJOR=17", "VERSION=17.10"), payload="postgres-17"
)
"""What an upgrade goes to: built when somebody asks for it (`Lab.image`)."""

MONITORING = tuple(Image(build.name, build.version) for build in BUILDS.values())
"""What a stack with a monitoring server names: built when somebody asks for it (`Lab.images`)."""


@dataclass(frozen=True)
class Store:
    """The image store in the cache, and the record of what is in it."""

    folders: Folders
    progress: Progress

    @property
    def _record(self) -> Path:
        return self.folders.images / "lab-recipes.json"

    def built(self) -> dict[str, str]:
        """Reference → digest of the recipe it was built from."""
        try:
            found: dict[str, str] = json.loads(self._record.read_text())
        except FileNotFoundError:
            return {}
        return found

    def ensure(self, image: Image) -> str:
        """Build the image when its recipe is not in the store; return its reference."""
        base = rootfs.base(self.folders, self.progress)
        recipe = image.recipe(base)
        if self.built().get(image.reference) == recipe:
            return image.reference
        by_recipe = f"{REPOSITORY}/{image.name}:recipe-{recipe}"
        builder = Builder(self.folders, self.progress)
        with builder.scratch() as scratch:
            if by_recipe in self.built():  # another clone with other recipes has the tag
                builder.images(["tag", by_recipe, image.reference], scratch)
            else:
                self._base(builder, base)
                context = scratch / "context"
                shutil.copytree(CONTEXTS / image.name, context)
                MAKERS[image.payload or image.name](
                    Payloads(self.folders, self.progress), context / "payload"
                )
                with self.progress.step(f"image {image.reference}"):
                    _build(builder, scratch, by_recipe, image.reference, arguments=image.arguments)
        self._note({by_recipe: recipe, image.reference: recipe})
        return image.reference

    def _base(self, builder: Builder, base: Path) -> None:
        recipe = digest_of(base.name, digest_of_tree(CONTEXTS / "base"))
        if self.built().get(BASE) == recipe:
            return
        with builder.scratch() as scratch, self.progress.step(f"image {BASE}"):
            context = scratch / "context"
            shutil.copytree(CONTEXTS / "base", context)
            shutil.copyfile(base, context / "base.tar")
            _build(builder, scratch, BASE)
        self._note({BASE: recipe})

    def _note(self, entries: dict[str, str]) -> None:
        with locked(self._record.with_suffix(".lock")):
            write_atomically(self._record, json.dumps({**self.built(), **entries}, indent=1))


def _build(builder: Builder, scratch: Path, *references: str, arguments: tuple[str, ...] = ()) -> None:
    """Build ``scratch/context`` under these names."""
    tags = [f"--tag={reference}" for reference in references]
    tags += [f"--build-arg={argument}" for argument in arguments]
    options = [
        "--quiet",
        "--pull=never",
        "--network=host",
        "--isolation=chroot",
        "--layers=false",
    ]
    builder.images(["build", *options, *tags, f"{WORK}/context"], scratch)
