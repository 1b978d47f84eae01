"""`codeb new` makes an app: what is in it, what a template must not have, and that all of it is there or nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from codeb.model import ManifestSource, load_manifests
from ops.cli import main
from ops.new import Wanted, new, place
from ops.new.template import TemplateErrors, read_template
from ops.new.workflows import Origin, origin, workflows
from ops.result import Result

REPO = Path(__file__).parents[3]
SHOP = Wanted(
    "shop", "shop.lab.test", "registry.lab.test:5000/apps/shop:1.0.0", app="apps/shop", name="Tea & Cups"
)
SAID = {
    "id": "core-cms",
    "name": "Core CMS",
    "replace": ["README.md", "package-lock.json", "package.json", "src/lib/name.ts"],
    "leave": ["docs/of-the-template.md", "only"],
}
PACKAGE = {
    "name": "core-cms",
    "version": "1.0.0",
    "scripts": {"test": "vitest", "build": "next build"},
    "dependencies": {"next": "1"},
}
FILES = {
    "template.json": json.dumps(SAID),
    "package.json": json.dumps(PACKAGE),
    "package-lock.json": json.dumps({"name": "core-cms", "packages": {"": {"name": "core-cms"}, "node_modules/next": {}}}),
    "README.md": "# Core CMS\n\nIts folder is apps/core-cms.\n",
    "src/lib/name.ts": 'export const APP_NAME = "Core CMS";\n',
    "src/app/(auth)/login/page.tsx": "export default () => <p>{APP_NAME}</p>;\n",
    "src/app/coverage/page.tsx": "export default () => null;\n",
    "scripts/run.sh": "#!/bin/sh\n",
    ".env.example": "APP_TITLE=\n",
    ".gitignore": "/.env*\n",
    "docs/of-the-template.md": "Core CMS itself\n",
    "only/deep/er.txt": "core-cms\n",
    # What tools leave, and what is somebody's own:
    ".env": "NEXTAUTH_SECRET=hunter2 core-cms\n",
    ".env.local": "x",
    "node_modules/next/index.js": "core-cms",
    "src/node_modules/x.js": "core-cms",
    ".next/build": "core-cms",
    "src/generated/client.ts": "core-cms",
    ".git/config": "core-cms",
    "npm-debug.log": "core-cms",
    "test-results/.last": "core-cms",
}  # fmt: skip
MADE = {
    "package.json", "package-lock.json", "README.md", "src/lib/name.ts", "src/app/(auth)/login/page.tsx",
    "src/app/coverage/page.tsx", "scripts/run.sh",
    ".env.example", ".gitignore",
    *(f".github/workflows/{name}.yml" for name in ("ai-analysis", "build-test", "image", "preview")),
}  # fmt: skip


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder with a small template and the real workflows."""
    (tmp_path / "Pulumi.yaml").touch()
    template = tmp_path / "templates" / "core-cms"
    fill(template, FILES)
    (template / "scripts" / "run.sh").chmod(0o755)
    workflows = tmp_path / "templates" / "app-ci" / ".github" / "workflows"
    workflows.mkdir(parents=True)
    for path in (REPO / "templates" / "app-ci" / ".github" / "workflows").iterdir():
        (workflows / path.name).write_bytes(path.read_bytes())
    return tmp_path


def add(folder: Path, wanted: Wanted = SHOP) -> Result:
    return new(wanted, place(folder, None))


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a project folder but the templates: files by content, links by where they lead, folders as None."""
    found: dict[str, bytes | None] = {}
    for path in sorted(folder.rglob("*")):
        if not {folder / "templates", folder / "Pulumi.yaml"} & {path, *path.parents}:
            name = str(path.relative_to(folder))
            link = os.fsencode(os.readlink(path)) if path.is_symlink() else None
            found[name] = link or (path.read_bytes() if path.is_file() else None)
    return found


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


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


def git(folder: Path, *arguments: str) -> str:
    who = {
        "GIT_AUTHOR_NAME": "x",
        "GIT_AUTHOR_EMAIL": "x@y",
        "GIT_COMMITTER_NAME": "x",
        "GIT_COMMITTER_EMAIL": "x@y",
    }
    done = subprocess.run(
        ["git", "-C", folder, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **who},
    )
    return done.stdout.strip()


def cloned(folder: Path, url: str) -> str:
    """Make the folder a repository that says it is a clone of `url`; its commit."""
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "x")
    git(folder, "config", "remote.origin.url", url)
    return git(folder, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    "url",
    ["https://github.com/ann/paas", "https://ann:hunter2@github.com/ann/paas.git", "git@github.com:ann/paas.git",
     "ssh://git@github.com/ann/paas.git"],
)  # fmt: skip
def test_workflows_are_told_where_the_platform_is(folder: Path, url: str) -> None:
    commit = cloned(folder, url)
    git(folder, "update-ref", "refs/remotes/origin/main", commit)
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "not pushed yet")
    result = add(folder)
    assert result.problems == ()
    text = "".join(path.read_text() for path in (folder / "apps/shop/.github/workflows").iterdir())
    assert f"uses: ann/paas/.github/actions/codeb@{commit} # main" in text
    assert "--platform ann/paas" in text
    assert "leo/platform" not in text
    assert "0" * 40 not in text
    assert "hunter2" not in text + str(result.document)


def test_a_commit_that_may_not_be_pushed_is_said(folder: Path) -> None:
    commit = cloned(folder, "git@github.com:ann/paas.git")
    [hint] = add(folder).problems
    assert f"{commit[:12]}, which has to be pushed" in hint


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com/ann/paas",
        "https://github.com/ann/../x",
        "https://github.com/a b/c",
        "/srv/paas",
    ],
)
def test_what_is_not_known_is_left_and_said(folder: Path, url: str) -> None:
    cloned(folder, url)
    [hint] = add(folder).problems
    assert "leo/platform and a commit of zeros" in hint
    assert "leo/platform" in (folder / "apps/shop/.github/workflows/preview.yml").read_text()


def test_somebody_else_s_repository_around_it_is_not_the_platform_s(folder: Path) -> None:
    cloned(folder, "https://github.com/ann/home")
    inner = folder / "unpacked"
    inner.mkdir()
    assert origin(inner) == Origin()
    assert origin(folder).repository == "ann/home"


# What is refused


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (replace(SHOP, name="a\nb"), "project.name"),
        (replace(SHOP, name="x\u202egnp"), "U+202E"),
        (replace(SHOP, name="x\udc80"), "is not UTF-8 text"),
        (replace(SHOP, name="y" * 101), "project.name"),
        (replace(SHOP, name="@{secret:root}"), "project.name"),
        (replace(SHOP, id="postgres"), "reserved"),
        (replace(SHOP, domain="{$SECRET}.example.com"), "environment.domain"),
        (replace(SHOP, id="next"), "npm refuses"),
    ],
)
def test_nothing_is_written_when_anything_is_wrong(folder: Path, wanted: Wanted, said: str) -> None:
    result = add(folder, wanted)
    assert not result.ok
    assert said in "\n".join(result.problems)
    assert "nothing was written" in result.problems[-1]
    assert tree(folder) == {}


@pytest.mark.parametrize(
    "name", ["../../etc", "a/b", ".", "", "UPPER", "a_b", "x" * 41, "-x-", "a b", "a;id", "$(id)"]
)
def test_an_id_is_an_id(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit):
        main(["new", name])
    assert not add(folder, replace(SHOP, id=name, app="apps/shop")).ok
    assert tree(folder) == {}


def test_a_folder_with_anything_in_it_stays_as_it_is(folder: Path) -> None:
    fill(folder / "apps" / "shop", {".keep": ""})
    before = tree(folder)
    assert "is there already" in add(folder).problems[0]
    assert "is there already" in add(folder, replace(SHOP, app="apps/shop/.keep")).problems[0]
    assert tree(folder) == before


@pytest.mark.parametrize(
    "app",
    [
        "templates/core-cms/shop",
        "templates/mine",
        "manifests/shop",
        ".lab/shop",
        ".git/x",
        "apps/../templates/x",
        "templates",
    ],
)
def test_folders_of_the_platform_s_own_get_no_app(folder: Path, app: str) -> None:
    (folder / "apps").mkdir()
    before = {path for path in folder.rglob("*")}
    for said in (app, str(folder / app)):
        assert "where no app belongs" in add(folder, replace(SHOP, app=said)).problems[0]
    assert {path for path in folder.rglob("*")} == before


def test_elsewhere_than_in_a_project_folder_nothing_is_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = folder / "docs"
    inner.mkdir()
    monkeypatch.chdir(inner)
    result = new(SHOP, place(Path(), None))
    assert "is no project folder" in result.problems[0]
    assert list(inner.iterdir()) == []
    (inner / "manifests").mkdir()
    (inner / "templates").symlink_to(folder / "templates")
    assert new(SHOP, place(Path(), None)).ok


def test_links_are_not_followed(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "apps").symlink_to("elsewhere")
    assert "is a link" in add(folder).problems[0]
    (folder / "nowhere").symlink_to("gone")
    assert "is a link" in add(folder, replace(SHOP, app="nowhere")).problems[0]
    assert not list((folder / "elsewhere").iterdir())
    assert not (folder / "manifests").exists()


def lacking(said: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name != key}


def template_of(folder: Path) -> Path:
    return folder / "templates" / "core-cms"


def rewrite(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: fill(template_of(folder), {"template.json": json.dumps({**SAID, **changes})})


def put(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: fill(template_of(folder), {name: text})


def _link(folder: Path) -> None:
    (template_of(folder) / "secrets").symlink_to("/etc/passwd")


def _linked_folder(folder: Path) -> None:
    (template_of(folder) / "src" / "more").symlink_to("/etc")


def _pipe(folder: Path) -> None:
    os.mkfifo(template_of(folder) / "pipe")


def _not_text(folder: Path) -> None:
    (template_of(folder) / "README.md").write_bytes(b"Core CMS \xff")


def _no_workflows(folder: Path) -> None:
    (folder / "templates" / "app-ci").rename(folder / "templates" / "gone")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (template_of(folder) / "template.json").unlink(), "say --no-app"),
        (put("template.json", "{"), "is not JSON"),
        (put("template.json", "[]"), "template.json"),
        (lambda folder: fill(template_of(folder), {"template.json": json.dumps(lacking(SAID, "name"))}), "name"),
        (rewrite(id="Core CMS"), "id"),
        (rewrite(more=1), "more: unknown key"),
        (rewrite(replace="package.json"), "replace"),
        (rewrite(replace=[*SAID["replace"], "../../../etc/passwd"]), "is not a path in the template"),
        (rewrite(replace=[*SAID["replace"], "/etc/passwd"]), "is not a path in the template"),
        (rewrite(replace=[*SAID["replace"], "src/gone.ts"]), "names src/gone.ts, which is no file of it"),
        (rewrite(replace=[*SAID["replace"], "only/deep/er.txt"]), "names only/deep/er.txt, which is no file of it"),
        (rewrite(replace=["package.json", "package.json"]), "replace"),
        (put("src/x.tsx", "// core-cms"), 'x.tsx: says "core-cms", which nobody replaces there'),
        (put("public/x.bin", "\x00Core CMS"), 'x.bin: says "Core CMS", which nobody replaces there'),
        (put("src/lib/name.ts", "// Core CMS, they say\n"), "has the name elsewhere than in a line like"),
        (put("src/lib/name.ts", "const a = 'Core CMS';\n"), "has the name elsewhere than in a line like"),
        (put("src/lib/name.ts", "export const A = `Core CMS`;\n"), "has the name elsewhere than in a line like"),
        (_link, "secrets: is no file"),
        (_linked_folder, "more: is no file"),
        (_pipe, "pipe: is no file"),
        (_not_text, "README.md: is no text"),
        (put("public/huge", "x" * (5 << 20)), "huge: is no file of at most 4 MiB"),
        (put("package.json", '"core-cms"'), "package.json: is no JSON mapping"),
        (put(".github/workflows/preview.yml", "on: push\n"), "preview.yml: is a workflow of app-ci, too"),
        (_no_workflows, "workflows: can't be read"),
    ],
)  # fmt: skip
def test_a_wrong_template_makes_nothing(folder: Path, harm: Callable[[Path], Any], said: str) -> None:
    harm(folder)
    result = add(folder)
    assert not result.ok
    assert said in "\n".join(result.problems)
    assert tree(folder) == {}


def test_a_name_stands_only_where_any_name_could(folder: Path) -> None:
    page = "src/app/(auth)/login/page.tsx"
    rewrite(replace=[*SAID["replace"], page])(folder)
    put(page, '<input title="Core CMS" />')(folder)
    [problem, _] = add(folder).problems
    assert "page.tsx: has the name; names may stand in .json, .md, .mjs, .svg, .ts only" in problem


def test_every_problem_of_a_template_is_said_at_once(folder: Path) -> None:
    put("a.txt", "core-cms")(folder)
    put("b.txt", "Core CMS")(folder)
    with pytest.raises(TemplateErrors) as caught:
        read_template(template_of(folder))
    assert len(caught.value.problems) == 2


def test_a_package_without_scripts_and_dependencies_will_do(folder: Path) -> None:
    put("package.json", '{"name": "core-cms", "scripts": null, "dependencies": null}')(folder)
    assert add(folder).ok
    assert "npm test" not in (folder / "apps/shop/.github/workflows/build-test.yml").read_text()


def test_without_templates_there_is_a_manifest_still(folder: Path) -> None:
    (folder / "templates" / "core-cms").rename(folder / "gone")
    assert not add(folder).ok
    assert add(folder, replace(SHOP, app="")).ok
    assert not (folder / "apps").exists()


# All or nothing


class Interrupted:
    """Stands before one function of `os`, and raises at its nth call: before it does anything, or right after."""

    def __init__(self, real: Callable[..., Any], number: int, error: BaseException, *, after: bool) -> None:
        self.real, self.left, self.error, self.after = real, number, error, after

    def __call__(self, *arguments: Any, **more: Any) -> Any:
        self.left -= 1
        if self.left:
            return self.real(*arguments, **more)
        if self.after:
            with suppress(OSError):  # of folders that are there
                self.real(*arguments, **more)
        raise self.error


FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize(
    ("function", "number", "error"),
    [
        *(("mkdir", number, KeyboardInterrupt()) for number in range(1, 13)),
        *((name, 1, error) for name in ("rename", "link", "chmod", "unlink") for error in (KeyboardInterrupt(), FULL)),
        ("mkdir", 1, FULL),
    ],
    ids=str,
)  # fmt: skip
def test_whatever_fails_half_way_nothing_is_left(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
    number: int,
    error: BaseException,
    after: bool,
) -> None:
    (folder / "apps" / "shop").mkdir(parents=True)
    before = tree(folder)
    stub = Interrupted(getattr(os, function), number, error, after=after)
    with monkeypatch.context() as patch:
        patch.setattr(os, function, stub)
        if error is FULL:
            assert "No space left on device; nothing was written" in add(folder).problems[0]
        else:
            with pytest.raises(KeyboardInterrupt):
                add(folder)
    assert stub.left <= 0
    assert tree(folder) == before
    assert add(folder).ok, "and it can be done again"


def test_folders_that_it_made_go_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = Interrupted(os.link, 1, OSError(13, "Permission denied"), after=False)
    monkeypatch.setattr(os, "link", stub)
    assert not add(folder, replace(SHOP, app="teams/tea/shop")).ok
    assert tree(folder) == {}


def test_two_at_once_make_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other has written its manifest after we have looked: the app that we made goes again."""
    real = os.link

    def late(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", real)
        target.write_text("theirs")
        real(source, target)

    monkeypatch.setattr(os, "link", late)
    result = add(folder)
    assert "File exists; nothing was written" in result.problems[0]
    assert tree(folder) == {"manifests": None, "manifests/shop.yaml": b"theirs"}


def test_a_file_system_without_second_names_will_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        os, "link", Interrupted(os.link, 1, PermissionError(1, "Operation not permitted"), after=False)
    )
    assert add(folder).ok
    assert [path.name for path in (folder / "manifests").iterdir()] == ["shop.yaml"]
    assert files(folder / "apps" / "shop") == MADE
