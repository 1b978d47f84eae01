"""The template's own checks by its own tools, and those of the example that is built on it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from lab import browser, paths
from lab.apps import CORE_CMS, FOOD
from lab.host import Progress
from lab.host.paths import Folders
from lab.images import toolchains
from ops.new import Wanted, new, place

pytestmark = pytest.mark.lab

MAIN = [
    f"tests/integration/{name}.test.ts" for name in ("migrate", "registration", "sign-in", "items", "pages")
]
"""What an app is for: its tables, people who come in, what they write and what visitors see."""


@dataclass(frozen=True)
class Tools:
    """Node and npm in an app's folder."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, *words: str) -> str:
        """What a command says; it must succeed."""
        done = subprocess.run(
            words, cwd=self.folder, env={**self.environment}, capture_output=True, text=True, check=False
        )
        failed = "\n".join(line for line in (done.stdout + done.stderr).splitlines() if "✓" not in line)
        assert done.returncode == 0, f"{' '.join(words)}\n{failed[-8000:]}"
        return done.stdout


def servers() -> dict[str, str]:
    """Where the tests find MinIO's server; PostgreSQL and Redis they find themselves."""
    if "MINIO_SERVER" in os.environ or shutil.which("minio"):
        return {}
    built = sorted(Folders.here().cache.glob("minio-*/minio"))
    if not built:
        pytest.skip("needs a MinIO server: on the PATH, or as built by `make lab`")
    return {"MINIO_SERVER": str(built[-1])}


@pytest.fixture(scope="module")
def template() -> Tools:
    """The template with its packages, as its lock file has them."""
    folders = Folders.here()
    ours = {
        "npm_config_cache": str(folders.cache / "npm"),
        "NEXT_TELEMETRY_DISABLED": "1",
        "CI": "1",
        "NODE_NO_WARNINGS": "1",
    }
    found = Tools(
        CORE_CMS.sources, {**os.environ, **toolchains.node(folders, Progress()), **servers(), **ours}
    )
    found.run("npm", "install", "--no-save", "--no-audit", "--no-fund")
    return found


@pytest.fixture(scope="module")
def built(template: Tools) -> Tools:
    """The template as its image has it."""
    template.run("npm", "run", "build")
    template.run("npm", "run", "context")
    return template


@pytest.mark.slow
@pytest.mark.parametrize("script", ["lint", "typecheck", "test", "licences"])
def test_the_template_s_own_checks_pass(template: Tools, script: str) -> None:
    template.run("npm", "run", script)


@pytest.mark.slow
def test_the_built_app_does_what_it_is_for_on_real_services(built: Tools) -> None:
    built.run("npx", "vitest", "run", "--project", "integration", *MAIN)


@pytest.mark.slow
def test_the_built_app_does_all_that_it_should_on_real_services(built: Tools) -> None:
    built.run("npm", "run", "test:integration")


@pytest.mark.slow
def test_the_built_app_passes_in_a_browser(built: Tools) -> None:
    if browser.found() is None:
        pytest.skip("needs Chromium (Debian's package chromium or chromium-headless-shell)")
    built.run("npm", "run", "e2e")


@pytest.mark.slow
def test_the_example_s_feature_goes_with_the_template(built: Tools) -> None:
    example = Tools(FOOD.sources, built.environment)
    if not (example.folder / "node_modules").exists():
        shutil.copytree(
            built.folder / "node_modules",
            example.folder / "node_modules",
            symlinks=True,
            copy_function=os.link,
        )
    example.run("npm", "run", "build")
    example.run("npm", "run", "context")
    example.run("npx", "biome", "check", ".")
    example.run("npx", "vitest", "run", "--project", "unit", "tests/unit/page.test.ts")
    example.run("npx", "vitest", "run", "--project", "integration", "tests/integration/orders.test.ts")


@pytest.fixture
def project() -> Iterator[Path]:
    """A project folder that everybody may go through: tests run the app as nobody, who can't go into `tmp_path`."""
    paths.LAB.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="new-app-", dir=paths.LAB) as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "Pulumi.yaml").touch()
        (folder / "templates").symlink_to(paths.REPO / "templates")
        yield folder


@pytest.mark.slow
def test_the_workflow_of_a_new_app_passes(template: Tools, project: Path) -> None:
    """Its steps, but for what this machine has already (`services`) or can't say (`audit`, whose registry isn't npm's)."""
    if browser.found() is None:
        pytest.skip("needs Chromium (Debian's package chromium or chromium-headless-shell)")
    made = new(
        Wanted("tea-shop", "tea.lab.test", "ghcr.io/leo/tea-shop:main", app="apps/tea-shop"),
        place(project, None),
    )
    assert made.ok, made.problems
    app = Tools(project / "apps" / "tea-shop", template.environment)
    shutil.copytree(
        template.folder / "node_modules", app.folder / "node_modules", symlinks=True, copy_function=os.link
    )
    workflow = yaml.safe_load((app.folder / ".github" / "workflows" / "build-test.yml").read_text())
    lines = [step["run"] for step in workflow["jobs"]["test"]["steps"] if "run" in step]
    assert lines.pop(0) == "npm ci"
    ran = [line for line in lines if not {"services", "audit"} & set(line.split())]
    for line in ran:
        app.run("bash", "-e", "-o", "pipefail", "-c", line)
    assert [line.split()[-1] for line in ran[-2:]] == ["e2e", "--if-present"]
