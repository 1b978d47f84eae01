"""`codeb new` makes an app: what is in it, its workflows and its manifest."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from new_app import MADE, PACKAGE, REPO, SHOP, add, files, fill

from codeb.model import ManifestSource, load_manifests
from ops.cli import main
from ops.new.workflows import Origin, workflows


def test_an_app_its_workflows_and_its_manifest_are_made(folder: Path) -> None:
    result = add(folder)
    assert result.ok, result.problems
    app = folder / "apps" / "shop"
    assert files(app) == MADE
    assert json.loads((app / "package.json").read_text()) == {**PACKAGE, "name": "shop"}
    lock = json.loads((app / "package-lock.json").read_text())
    assert lock == {"name": "shop", "packages": {"": {"name": "shop"}, "node_modules/next": {}}}
    assert (app / "src/lib/name.ts").read_text() == 'export const APP_NAME = "Tea & Cups";\n'
    assert (app / "README.md").read_text() == "# Tea \\& Cups\n\nIts folder is apps/shop.\n"
    assert [path for path in app.rglob("*") if path.is_file() and path.stat().st_mode & 0o100] == [
        app / "scripts/run.sh"
    ]
    assert result.document["app"] == "apps/shop"
    assert set(result.document["files"]) == MADE  # type: ignore[call-overload]
    assert "  make lab   # builds and deploys it: https://shop.lab.test/" in result.lines
    assert any(line.startswith("  codeb exec shop --stack dev -- node invite.cjs") for line in result.lines)


def test_where_no_lab_builds_it_its_repository_does(folder: Path) -> None:
    result = add(folder, replace(SHOP, image="ghcr.io/leo/shop:1.0.0"))
    assert not [line for line in result.lines if "make lab" in line]
    assert any(line.startswith("  git init apps/shop ") for line in result.lines)
    elsewhere = add(folder, replace(SHOP, id="tea", app="elsewhere", domain="tea.lab.test"))
    assert elsewhere.ok
    assert not [line for line in elsewhere.lines if "make lab" in line], "which looks into apps/ only"


def test_the_manifest_has_what_the_app_needs(folder: Path) -> None:
    assert add(folder, replace(SHOP, dataset="posts")).ok
    [found] = load_manifests([ManifestSource("shop.yaml", (folder / "manifests/shop.yaml").read_text())])
    assert found.project.name == "Tea & Cups"
    assert found.environment.variables == {"APP_DATASET": "posts", "APP_SEED": "demo"}, (
        "something to see in the lab"
    )
    assert found.features.release_command == ("node", "migrate.cjs")
    assert (found.features.metrics, found.features.tracing) == (True, True)
    assert all(getattr(found.resources, name).enabled for name in ("database", "cache", "storage"))


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("ghcr.io/leo/shop:main", "https://github.com/leo/shop"),
        ("ghcr.io/leo/shop/inner:main", None),
        ("quay.io/leo/shop:main", None),
    ],
)
def test_where_no_lab_is_it_has_what_the_app_s_workflows_need(
    folder: Path, image: str, repository: str | None
) -> None:
    assert add(folder, replace(SHOP, image=image)).ok
    text = (folder / "manifests/shop.yaml").read_text()
    [found] = load_manifests([ManifestSource("shop.yaml", text)])
    assert found.project.repository == repository
    assert found.environment.variables == {"APP_DATASET": "restaurants"}
    everything = text.replace("# APP_SEED", "APP_SEED").replace("# repository", "repository")
    [found] = load_manifests([ManifestSource("shop.yaml", everything)])
    assert found.environment.variables["APP_SEED"] == "demo", "its comments are right, too"
    assert found.project.repository in (repository, "https://github.com/OWNER/NAME")


def test_what_is_not_said_is_usual(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(folder / "manifests", {path.name: path.read_text() for path in (REPO / "manifests").iterdir()})
    monkeypatch.chdir(folder)
    assert main(["new", "demo-app"]) == 0
    assert "https://demo-app.lab.test/" in capsys.readouterr().out
    found = yaml.safe_load((folder / "manifests" / "demo-app.yaml").read_text())
    assert found["project"] == {"id": "demo-app", "name": "Demo App"}, "the lab takes releases from nowhere"
    assert found["environment"]["image"] == "registry.lab.test:5000/apps/demo-app:1.0.0"
    assert found["environment"]["variables"] == {"APP_DATASET": "restaurants", "APP_SEED": "demo"}
    assert 'APP_NAME = "Demo App"' in (folder / "apps/demo-app/src/lib/name.ts").read_text()
    assert main(["validate"]) == 0


def test_the_app_may_be_elsewhere(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert add(folder, replace(SHOP, app="empty")).ok
    assert files(folder / "empty") == MADE
    outside = folder.parent / f"{folder.name}-outside" / "deep" / "shop"
    assert add(
        folder, replace(SHOP, id="tea", app=str(outside), domain="tea.lab.test", image="ghcr.io/a/b:1")
    ).ok
    assert files(outside) == MADE


def test_scripts_that_the_app_lacks_are_not_run_by_its_workflow(folder: Path) -> None:
    assert add(folder).ok
    text = (folder / "apps/shop/.github/workflows/build-test.yml").read_text()
    steps = yaml.safe_load(text)["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["npm ci", "npm test", "npm run build"]


def test_the_template_s_own_workflow_builds_and_starts_all_that_its_tests_need() -> None:
    package = json.loads((REPO / "templates/core-cms/package.json").read_text())
    made = workflows(REPO / "templates/app-ci", Origin(), package["scripts"])
    [text] = [file.content for file in made if file.path.endswith("/build-test.yml")]
    steps = [step.get("run") for step in yaml.safe_load(text)["jobs"]["test"]["steps"]]
    scripts = ("build", "context", "services", "test:integration", "e2e", "licences", "audit")
    assert [step.split()[2] for step in steps if step and step.startswith("npm run ")][
        -len(scripts) :
    ] == list(scripts)
    assert set(scripts) <= set(package["scripts"])
    line = ["make", "-C", REPO / "templates/core-cms", "-n", "services"]
    done = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    assert "redis-server" in done
    assert "/usr/local/bin/minio" in done


def test_the_image_with_minio_is_that_of_make_dev() -> None:
    template = REPO / "templates/core-cms"
    [line] = [line for line in (template / "Makefile").read_text().splitlines() if "docker create" in line]
    [said] = re.findall(r"\$\$\((sed .*?yaml)\)", line)
    found = subprocess.run(
        ["sh", "-c", said], cwd=template, capture_output=True, text=True, check=True
    ).stdout
    assert found.split() == [
        yaml.safe_load((template / "compose.yaml").read_text())["services"]["minio"]["image"]
    ]


# Where the platform is
