"""What operators get: the wheel in a fresh virtual environment outside the clone, with what it declares and no more."""

from __future__ import annotations

import subprocess
import sys
import venv
from importlib.metadata import distributions
from pathlib import Path
from zipfile import ZipFile

import pytest
from installed import closure
from packaging.requirements import Requirement

from ops.cli import COMMANDS

ROOT = Path(__file__).parents[3]
IMPORT_ALL = """
import importlib, pkgutil, sys, codeb, ops
for package in (codeb, ops):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".", onerror=lambda name: None):
        if module.name.startswith(tuple(sys.argv[1:])):
            continue
        importlib.import_module(module.name)
        print(module.name)
"""
HELP_OF_ALL = """
import sys
from ops.cli import main
for name in sys.argv[1:]:
    try:
        main([name, "--help"])
    except SystemExit as end:
        assert not end.code, (name, end.code)
"""
OF_EXTRAS = ("codeb.dashboards.", "ops.automation", "ops.mcp.", "ops.ci.", "ops.vault.")


def pip(*arguments: str | Path) -> None:
    argv = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, arguments)]
    subprocess.run(argv, check=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    [file] = folder.glob("codeb-*.whl")
    return file


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bin/ of a virtual environment without extras."""
    return installed_with("", wheel, tmp_path_factory.mktemp("operator"))


@pytest.fixture(scope="module")
def assistants(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bin/ of one with the extra `mcp`."""
    return installed_with("mcp", wheel, tmp_path_factory.mktemp("assistant"))


@pytest.fixture(scope="module")
def workflows(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bin/ of one with the extra `ci`."""
    return installed_with("ci", wheel, tmp_path_factory.mktemp("workflow"))


@pytest.fixture(scope="module")
def vaults(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bin/ of one with the extra `vault`."""
    return installed_with("vault", wheel, tmp_path_factory.mktemp("vault"))


def installed_with(extra: str, wheel: Path, folder: Path) -> Path:
    """bin/ of a virtual environment. Dependencies are links to this machine's own: no registry is asked."""
    venv.create(folder, with_pip=False)
    [packages] = folder.glob("lib/python*/site-packages")
    [described] = distributions(path=[str(wheel)])
    needed = map(Requirement, described.requires or ())
    wanted = [each for each in needed if each.marker is None or each.marker.evaluate({"extra": extra})]
    for found in closure(wanted).values():
        for name in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            if not (packages / name).exists():  # several packages are in one namespace
                (packages / name).symlink_to(Path(str(found.locate_file(name))))
    pip("--python", folder / "bin" / "python", "install", "--no-deps", "--no-index", wheel)
    return folder / "bin"


def run(folder: Path, *argv: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(list(map(str, argv)), cwd=folder, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_the_wheel_holds_the_command_and_the_domain_only(wheel: Path) -> None:
    names = {Path(name).parts[0] for name in ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"codeb", "ops"}


def test_the_wheel_holds_all_templates(wheel: Path) -> None:
    inside = {name for name in ZipFile(wheel).namelist() if name.startswith("codeb/templates/")}
    here = (file for file in (ROOT / "codeb" / "templates").rglob("*") if file.is_file())
    assert inside == {str(file.relative_to(ROOT)) for file in here}


def test_everything_in_the_wheel_imports_with_what_it_declares(programs: Path, tmp_path: Path) -> None:
    done = run(tmp_path, programs / "python", "-I", "-c", IMPORT_ALL, *OF_EXTRAS)
    assert done.returncode == 0, done.stderr
    assert {"ops.cli", "codeb.render.text"} <= set(done.stdout.split())


def test_the_rest_imports_with_its_extra(
    assistants: Path, workflows: Path, vaults: Path, tmp_path: Path
) -> None:
    for programs, extras in (
        (assistants, {"ops.automation": "ops.automation", "ops.mcp.": "ops.mcp.server"}),
        (workflows, {"ops.automation": "ops.automation", "ops.ci.": "ops.ci.world"}),
        (vaults, {"ops.vault.": "ops.vault.client"}),
    ):
        others = [start for start in OF_EXTRAS if start not in extras]
        done = run(tmp_path, programs / "python", "-I", "-c", IMPORT_ALL, *others)
        assert done.returncode == 0, done.stderr
        assert set(extras.values()) <= set(done.stdout.split())


def test_without_its_extra_a_command_says_what_to_install(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    for argv in (("diff", "--stack", "dev"), ("mcp", "--stack", "dev"), ("ci", "plan", "--stack", "dev")):
        done = run(tmp_path, programs / "codeb", *argv)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"pip install 'PATH-OF-THE-CLONE[{argv[0]}]'" in done.stderr


def test_operators_can_check_manifests(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    shop = "project: {id: shop}\nenvironment: {domain: shop.lab.test, image: ghcr.io/leo/shop:1.0.0}\n"
    (tmp_path / "manifests" / "shop.yaml").write_text(shop)
    done = run(tmp_path, programs / "codeb", "validate")
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "manifests" / "bad.yaml").write_text("project: 1\n")
    assert run(tmp_path, programs / "codeb", "validate").returncode == 1


def test_operators_can_write_the_schema(programs: Path, tmp_path: Path) -> None:
    assert run(tmp_path, programs / "codeb", "schema").returncode == 0
    name = "project-manifest.schema.yaml"
    assert (tmp_path / name).read_text() == (ROOT / name).read_text()


def test_operators_are_told_which_settings_are_missing(programs: Path, tmp_path: Path) -> None:
    done = run(tmp_path, programs / "codeb", "status", "--stack", "live")
    assert done.returncode == 1
    assert "error: Pulumi.live.yaml: can't be read" in done.stderr


def test_help_is_there_without_a_clone(programs: Path, tmp_path: Path) -> None:
    overview = run(tmp_path, programs / "codeb", "--help")
    assert overview.returncode == 0
    assert overview.stdout.startswith("usage: codeb ")
    assert [command.name for command in COMMANDS if command.name not in overview.stdout] == []
    each = run(tmp_path, programs / "python", "-I", "-c", HELP_OF_ALL, *(one.name for one in COMMANDS))
    assert each.returncode == 0, each.stderr
    assert [
        command.name for command in COMMANDS if f"\nusage: codeb {command.name} " not in f"\n{each.stdout}"
    ] == []


def test_wrong_usage_exits_with_2(programs: Path, tmp_path: Path) -> None:
    assert run(tmp_path, programs / "codeb", "frobnicate").returncode == 2
