"""What is built, how, and where it is then.

Loki and Grafana are not among them: their licence (AGPL) is not one to build a copy under for a lab.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.host import commands
from lab.host.cache import cached, digest_of, digest_of_tree, remove
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.images import toolchains

HERE: Final = Path(__file__).parent
_VERSION_OF_PROMETHEUS: Final = "github.com/prometheus/common/version.Version"
_PAGE: Final = HERE / "page.html"


@dataclass(frozen=True)
class Build:
    """One Go module and the programs that come out of it."""

    name: str
    version: str
    """As the upstream image's tag has it; of a Go module it is often another one."""
    packages: Mapping[str, str]
    """Package by the name that its program has here."""
    tags: tuple[str, ...] = ()
    version_variable: str = ""
    """What the linker gives the version to, so that the program can say it."""
    lacking: str = ""
    """The module, `path@version`, that embeds files which it doesn't have: upstream makes them for its releases."""
    pages: tuple[str, ...] = ()
    """These files."""

    @property
    def module(self) -> Path:
        """Folder of its go.mod."""
        return HERE / "go" / self.name

    @property
    def recipe(self) -> str:
        """Digest of all that the programs are made from."""
        pages = [self.lacking, self.pages, _PAGE.read_text()] if self.pages else []
        return digest_of(digest_of_tree(self.module), self.version, dict(self.packages), self.tags, pages)


_PROMETHEUS: Final = "github.com/prometheus/prometheus"
_ALERTMANAGER: Final = "github.com/prometheus/alertmanager"
BUILDS: Final = {
    build.name: build
    for build in (
        Build("collector", "0.160.0", {"collector": "lab/collector"}),
        Build(
            "victorialogs",
            "1.52.1",
            {"victorialogs": "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs"},
            version_variable="github.com/VictoriaMetrics/VictoriaMetrics/lib/buildinfo.Version",
        ),
        Build(
            "jaeger",
            "2.13.0",
            {"jaeger": "github.com/jaegertracing/jaeger/cmd/jaeger"},
            version_variable="github.com/jaegertracing/jaeger/internal/version.latestVersion",
        ),
        # Of the ways to find targets, files are the one that the platform uses; all others are half of the program.
        Build(
            "prometheus",
            "3.16.0",
            {"prometheus": f"{_PROMETHEUS}/cmd/prometheus", "promtool": f"{_PROMETHEUS}/cmd/promtool"},
            tags=("remove_all_sd",),
            version_variable=_VERSION_OF_PROMETHEUS,
        ),
        Build(
            "alertmanager",
            "0.35.0",
            {"alertmanager": f"{_ALERTMANAGER}/cmd/alertmanager", "amtool": f"{_ALERTMANAGER}/cmd/amtool"},
            version_variable=_VERSION_OF_PROMETHEUS,
            lacking=f"{_ALERTMANAGER}@v0.35.0",
            pages=("ui/app/dist/elm/index.html", "ui/app/dist/mantine/index.html"),
        ),
    )
}


PROGRAMS: Final = {program: build for build in BUILDS.values() for program in build.packages}
"""What each program comes out of."""


def program(name: str, folders: Folders, progress: Progress) -> Path:
    """One of :data:`PROGRAMS` for this machine, built the first time it is asked for. Raises LabError when that fails."""
    return built(PROGRAMS[name], folders, progress) / name


def there(name: str, folders: Folders) -> Path | None:
    """One of :data:`PROGRAMS` when it has been built for this machine; builds nothing."""
    path = _folder(PROGRAMS[name], folders) / name
    return path if path.exists() else None


def built(build: Build, folders: Folders, progress: Progress) -> Path:
    """Folder of a module's programs, built the first time it is asked for. Raises LabError when that fails."""

    def make(part: Path) -> None:
        part.mkdir()
        sources = part / "sources"
        log = folders.logs / f"{build.name}.log"
        environment = toolchains.go(folders, progress)
        # Go's build cache makes another program of the same module cheap.
        for name, package in build.packages.items():
            line = ["nice", "go", "build", "-mod=readonly", *_modfile(build, sources, environment, log)]
            line += ["-trimpath", f"-tags={','.join(build.tags)}", "-ldflags", _link(build)]
            line += ["-o", str(part / name), package]
            commands.build(line, log, env=environment, cwd=build.module, what=f"go build of {name}")
        remove(sources)

    return cached(
        _folder(build, folders),
        make,
        progress,
        f"build {', '.join(build.packages)} {build.version} from source",
    )


def _folder(build: Build, folders: Folders) -> Path:
    return folders.cache / f"{build.name}-{build.version}-{build.recipe}"


def _link(build: Build) -> str:
    told = f" -X {build.version_variable}={build.version}" if build.version_variable else ""
    return f"-s -w{told}"


def _modfile(build: Build, sources: Path, environment: Mapping[str, str], log: Path) -> list[str]:
    """Option by which a module that lacks files is taken from a copy that has them; none when none are lacking."""
    if not build.pages:
        return []
    sources.mkdir(exist_ok=True)
    copy, modfile = sources / "module", sources / "go.mod"
    remove(copy)
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(build.module / name, sources / name)
    path, _at, _version = build.lacking.partition("@")
    for words in (["download", path], ["edit", f"-replace={path}={copy}", str(modfile)]):
        commands.build(["go", "mod", *words], log, env=environment, cwd=build.module)
    shutil.copytree(Path(environment["GOMODCACHE"]) / build.lacking, copy)
    for folder in (copy, *(found for found in copy.rglob("*") if found.is_dir())):
        folder.chmod(0o755)  # nothing may be added to those of Go's cache
    for page in build.pages:
        (copy / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_PAGE, copy / page)
    return [f"-modfile={modfile}"]
