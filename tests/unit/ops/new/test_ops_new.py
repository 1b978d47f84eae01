"""`new` and `completion`: a manifest that is valid from the start, what is usual in it, what shells are told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codeb.model import DocumentErrors, ManifestSource, load_manifests
from ops.cli import main
from ops.complete import SHELLS, projects, stacks
from ops.new import Usual, Wanted, asked, manifest, new, place
from ops.new.beside import usual
from ops.result import Result

REPO = Path(__file__).parents[4]
IMAGE = "ghcr.io/example/shop:1.0.0"
SHOP = Wanted("shop", "shop.example.com", IMAGE)


def add(wanted: Wanted, folder: Path, stack: str | None = None) -> Result:
    return new(wanted, place(folder, stack))


def read(text: str) -> Any:
    return load_manifests([ManifestSource("shop.yaml", text)])["shop"]


def test_the_smallest_manifest_is_valid_and_says_what_may_come() -> None:
    text = manifest(SHOP, "../project-manifest.schema.yaml")
    found = read(text)
    assert (found.environment.domain, found.environment.image, found.environment.port) == (
        "shop.example.com",
        IMAGE,
        3000,
    )
    assert text.startswith("# yaml-language-server: $schema=../project-manifest.schema.yaml\n")
    everything = text.replace("# variables", "variables").replace("# secrets", "secrets")
    everything = everything.replace("# monitoring", "monitoring").replace("#   health", "  health")
    assert read(everything).environment.secrets == ("PAYMENT_KEY",), "its comments are right, too"


def test_choices_are_in_it() -> None:
    wanted = Wanted("shop", "shop.example.com", IMAGE, 8080, "staging", ("cache", "database"))
    found = read(manifest(wanted, ""))
    assert (found.environment.port, found.environment.stage) == (8080, "staging")
    enabled = [getattr(found.resources, name).enabled for name in ("database", "cache", "storage")]
    assert enabled == [False, False, True]


def test_it_is_written_once_and_never_over_another(tmp_path: Path) -> None:
    first = add(SHOP, tmp_path)
    file = tmp_path / "manifests" / "shop.yaml"
    before = file.read_text()
    assert first.ok
    assert first.lines[:2] == (f"{file}: written", "Next:")
    second = add(Wanted("shop", "other.example.com", IMAGE), tmp_path)
    assert not second.ok
    assert "stays as it is" in second.problems[0]
    assert file.read_text() == before
    link = tmp_path / "manifests" / "link.yaml"
    link.symlink_to(tmp_path / "elsewhere.yaml")
    assert not add(Wanted("link", "link.example.com", IMAGE), tmp_path).ok
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_what_others_have_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    add(SHOP, tmp_path)
    result = add(Wanted("store", "shop.example.com", IMAGE), tmp_path)
    assert not result.ok
    assert "belongs to" in result.problems[0]
    (tmp_path / "manifests" / "other.yml").write_text(
        manifest(Wanted("taken", "taken.example.com", IMAGE), "")
    )
    assert not add(Wanted("taken", "b.example.com", IMAGE), tmp_path).ok
    assert sorted(path.name for path in (tmp_path / "manifests").iterdir()) == ["other.yml", "shop.yaml"]


def test_a_broken_manifest_of_somebody_else_is_a_hint(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "broken.yaml").write_text("project: {id: broken}\n")
    result = add(SHOP, tmp_path)
    assert result.ok
    assert "broken.yaml" in result.problems[0]


def test_the_stack_is_asked_when_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text((REPO / "Pulumi.dev.yaml").read_text())
    assert not add(Wanted("shop", "minio.lab.test", IMAGE), tmp_path, "dev").ok
    with pytest.raises(DocumentErrors, match=r"Pulumi\.none\.yaml"):
        place(tmp_path, "none")
    assert add(Wanted("shop", "shop.lab.test", IMAGE), tmp_path, "dev").ok


@pytest.mark.parametrize(
    "wrong",
    [
        {"domain": "shop.example.com\nlifecycle: destroy"},
        {"domain": 'x"}, servers: {pool: other}, y: {"a": "'},
        {"domain": "{$SECRET}.example.com"},
        {"image": "ghcr.io/x:1 # y"},
        {"image": "ghcr.io/x/y:1\nPodmanArgs=--privileged"},
        {"port": 0},
        {"port": 70000},
        {"stage": "other"},
        {"id": "../../etc/cron.d/x"},
        {"id": "postgres"},
    ],
)
def test_hostile_values_write_nothing(tmp_path: Path, wrong: dict[str, Any]) -> None:
    values: dict[str, Any] = {"id": "shop", "domain": "shop.example.com", "image": IMAGE, **wrong}
    assert not add(Wanted(**values), tmp_path).ok
    assert not list(tmp_path.rglob("*.yaml"))


USUAL = Usual("shop.lab.test", IMAGE)


def test_what_is_missing_is_asked_for() -> None:
    answers = {"Domain, without https://": "tea.lab.test", "Does it use the platform's cache? (y/n)": "No"}
    wanted = asked(Wanted("shop", "", ""), USUAL, lambda what, default: answers.get(what, default))
    assert wanted == Wanted("shop", "tea.lab.test", IMAGE, without=("cache",))


def test_who_gets_an_app_is_asked_for_its_name_and_not_for_what_it_needs() -> None:
    heard: list[str] = []

    def ask(what: str, default: str) -> str:
        heard.append(what)
        return default

    wanted = asked(Wanted("my-shop", "", "", app="apps/my-shop"), USUAL, ask)
    assert (wanted.name, wanted.domain, wanted.image, wanted.without) == (
        "My Shop",
        "shop.lab.test",
        IMAGE,
        (),
    )
    assert heard == ["Name for people", "Domain, without https://", "Image, with its tag"]


def test_nobody_is_asked_without_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "shop", "--no-app"]) == 2
    assert "--domain and --image are needed" in capsys.readouterr().err
    assert main(["new", "shop", "--no-app", "--domain", "shop.lab.test", "--image", IMAGE, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == "manifests/shop.yaml"
    assert [path.name for path in tmp_path.iterdir()] == ["manifests"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--no-app", "--dataset", "posts", "--domain", "a.example.com", "--image", IMAGE],
            "--dataset is for the app",
        ),
        (["--no-storage"], "--no-storage: the template's app uses it"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "shop", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def beside(*others: tuple[str, str], stack_domain: str = "") -> tuple[str, str]:
    """Domain and image that `shop` would have beside projects of these domains and images."""
    sources = [
        ManifestSource(f"{number}.yaml", manifest(Wanted(f"other-{number}", domain, image), ""))
        for number, (domain, image) in enumerate(others)
    ]
    found = usual("shop", sources, stack_domain)
    return found.domain, found.image


LAB = "registry.lab.test:5000/codeb/demo:1.0.0"


OWN = "registry.lab.test:5000/apps/shop:1.0.0"
NOBODYS = "ghcr.io/example/shop:main"


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ((), ("shop.example.com", NOBODYS)),
        ((("a.lab.test", LAB), ("b.lab.test", LAB)), ("shop.lab.test", OWN)),
        ((("a.lab.test", LAB), ("b.other.test", "ghcr.io/leo/b:1")), ("shop.example.com", NOBODYS)),
        ((("a.leo.com", "ghcr.io/leo/a:1"), ("b.leo.com", "ghcr.io/leo/b:2")), ("shop.leo.com", "ghcr.io/leo/shop:main")),
        ((("a.leo.com", "ghcr.io/leo/a:1"), ("b.leo.com", "ghcr.io/ann/b:1")), ("shop.leo.com", NOBODYS)),
        ((("leo.com", "quay.io/leo/a:1"), ("ann.com", "quay.io/leo/b:1")), ("shop.example.com", "quay.io/leo/shop:main")),
        ((("a.co.kr", LAB),), ("shop.example.com", OWN)),
        ((("not a domain", LAB), ("b.lab.test", LAB), ("c.lab.test", LAB)), ("shop.lab.test", OWN)),
    ],
    ids=["alone", "the lab's", "of two places", "one owner", "two owners", "no parent", "one other", "a wrong one"],
)  # fmt: skip
def test_domain_and_image_are_like_the_others(
    others: tuple[tuple[str, str], ...], expected: tuple[str, str]
) -> None:
    assert beside(*others) == expected


def test_the_stack_s_domain_counts_where_the_others_say_nothing() -> None:
    assert beside(stack_domain="lab.test")[0] == "shop.lab.test"
    assert beside(("a.one.test", LAB), ("b.one.test", LAB), stack_domain="lab.test")[0] == "shop.one.test"


@pytest.mark.parametrize(
    ("app", "image"),
    [
        ("apps/shop", OWN),
        ("apps/other", "registry.lab.test:5000/apps/other:1.0.0"),
        ("apps/other/", "registry.lab.test:5000/apps/other:1.0.0"),
        ("apps/Other", OWN),
        ("apps/deep/other", OWN),
        ("elsewhere", OWN),
    ],
)
def test_the_lab_s_image_is_that_of_the_folder_that_the_lab_builds(app: str, image: str) -> None:
    others = [ManifestSource("a.yaml", manifest(Wanted("other", "a.lab.test", LAB), ""))]
    assert usual("shop", others, "", app).image == image
    at_github = [ManifestSource("a.yaml", manifest(Wanted("other", "a.leo.com", "ghcr.io/leo/a:1"), ""))]
    assert usual("shop", at_github, "", app).image == "ghcr.io/leo/shop:main", (
        "a repository's name is its own"
    )


def test_the_tag_is_one_that_the_app_s_workflows_push() -> None:
    text = (REPO / "templates/app-ci/.github/workflows/image.yml").read_text()
    assert "github.event_name == 'push' && github.ref_name" in text, "the branch"
    assert beside()[1].endswith(":main")


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_is_told_how(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "codeb" in capsys.readouterr().out


def complete(line: str, folder: Path) -> list[str]:
    """What the shell is answered when somebody presses tab at the end of a line."""
    environment = {
        **os.environ, "_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1", "_ARGCOMPLETE_STDOUT_FILENAME": str(folder / "answer"),
    }  # fmt: skip
    argv = [sys.executable, "-c", "from ops.cli import main; main()"]
    subprocess.run(argv, cwd=folder, env={**environment, "PYTHONPATH": str(REPO)}, check=True, timeout=20)
    return (folder / "answer").read_text().split("\n")


def test_tab_completes_verbs_projects_and_stacks(tmp_path: Path) -> None:
    add(SHOP, tmp_path)
    (tmp_path / "Pulumi.live.yaml").touch()
    (tmp_path / "Pulumi.yaml").touch()
    assert complete("codeb rel", tmp_path) == ["releases"]
    assert complete("codeb logs sh", tmp_path) == ["shop"]
    assert complete("codeb logs shop --stack ", tmp_path) == ["live"]
    assert complete("codeb logs shop --kind acc", tmp_path) == ["access"]
    assert complete("codeb new store --dataset l", tmp_path) == ["listings"]
    (tmp_path / "apps").mkdir()
    assert complete("codeb new store --app ap", tmp_path) == ["apps/"]


def test_ids_are_read_without_judging_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "a.yaml").write_text("project: {id: short-form}\n")
    (folder / "b.yaml").write_text("project:\n  name: x\n  id: 'long-form' # y\n")
    (folder / "c.yaml").write_bytes(b"\xff\xfe broken")
    (folder / "d.yaml").write_text("project:\n  id: $(reboot)\n")
    monkeypatch.chdir(tmp_path)
    assert projects() == ["short-form", "long-form"]
    assert stacks() == []
