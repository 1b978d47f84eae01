"""What a workflow uses of others, and where the lab takes it from; what an image's stand-in is asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.delivery import image, uses
from lab.delivery.act import Line, Run, _read
from lab.host.errors import LabError

PIN = "3" * 40


def repository(folder: Path, files: dict[str, str]) -> Path:
    """A git repository with one commit."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    author = ("-c", "user.name=Leo", "-c", "user.email=leo@example.com")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "Files")):
        subprocess.run(["git", *author, "-C", folder, *words], check=True)
    return folder


def workflow(*used: str) -> str:
    """A workflow that uses these."""
    steps = "".join(f"      - uses: {one}\n" for one in used)
    return f"on: push\njobs:\n  work:\n    runs-on: ubuntu-latest\n    steps:\n{steps}"


def test_what_is_used_is_found_through_other_repositories(tmp_path: Path) -> None:
    repositories = tmp_path / "repositories"
    action = f"runs:\n  using: composite\n  steps:\n    - uses: actions/setup-python@{PIN} # v7\n"
    repository(repositories / "leo/platform", {".github/actions/codeb/action.yml": action, "file": "x"})
    text = workflow(
        f"actions/checkout@{PIN} # v7", "leo/platform/.github/actions/codeb@main", "./.github/actions/own"
    )
    app = repository(repositories / "leo/shop", {".github/workflows/one.yml": text})
    found = uses.found(app, repositories, tmp_path / "exports")
    assert found == {
        f"actions/checkout@{PIN}": uses.STAND_INS / "actions/checkout",
        f"actions/setup-python@{PIN}": uses.STAND_INS / "actions/setup-python",
        "leo/platform@main": tmp_path / "exports" / "leo/platform@main",
    }
    assert (found["leo/platform@main"] / "file").read_text() == "x"
    assert not (found["leo/platform@main"] / ".git").exists()


@pytest.mark.parametrize("used", [f"eve/action@{PIN}", f"eve/action/deep/down@{PIN}", "eve/action@v1"])
def test_what_the_lab_does_not_have_is_refused(tmp_path: Path, used: str) -> None:
    app = repository(tmp_path / "leo/shop", {".github/workflows/one.yml": workflow(used)})
    with pytest.raises(LabError, match=r"neither a repository in .+ nor a stand-in"):
        uses.found(app, tmp_path, tmp_path / "exports")


@pytest.mark.parametrize("name", ["../etc", "leo", "leo/../..", "leo/shop/more", "", "leo/gone"])
def test_only_repositories_of_the_lab_are_exported(tmp_path: Path, name: str) -> None:
    repository(tmp_path / "repositories/leo/shop", {"file": "x"})
    with pytest.raises(LabError, match="has no repository"):
        uses.export(tmp_path / "repositories", name, "main", tmp_path / "to")


@pytest.mark.parametrize("ref", ["gone", "--output=/tmp/pwned", "main; touch pwned"])
def test_only_commits_are_exported(tmp_path: Path, ref: str) -> None:
    repository(tmp_path / "leo/shop", {"file": "x"})
    with pytest.raises(LabError, match="leo/shop@"):
        uses.export(tmp_path, "leo/shop", ref, tmp_path / "to")
    assert list((tmp_path / "to").iterdir()) == []


def test_act_is_not_shown_how_concurrency_queues(tmp_path: Path) -> None:
    before = (
        "concurrency:\n  group: x\n  queue: max\njobs:\n  work:\n    steps:\n      - run: echo queue: max\n"
    )
    path = tmp_path / ".github" / "workflows" / "one.yml"
    path.parent.mkdir(parents=True)
    path.write_text(before)
    uses.without_queues(tmp_path)
    assert path.read_text() == before.replace("  queue: max\n", "", 1)


def test_a_run_does_not_show_what_is_secret() -> None:
    run = Run(
        "leo/shop",
        "main",
        "one.yml",
        "push",
        {"a": "s1"},
        token="s2",
        secrets={"K": "s3"},
        environment={"E": "s4"},
    )
    assert not [secret for secret in ("s1", "s2", "s3", "s4") if secret in repr(run)]


@pytest.mark.parametrize(
    ("text", "line", "results"),
    [
        (
            '{"jobID": "work", "step": "s", "msg": "said\\n", "raw_output": true}',
            Line("work", "s", "said", True),
            {},
        ),
        (
            '{"jobID": "a", "msg": "Bad", "jobResult": "failure"}',
            Line("a", "", "Bad", False),
            {"a": "failure"},
        ),
        ("not JSON\n", Line("", "", "not JSON", False), {}),
        ('["a list"]', Line("", "", '["a list"]', False), {}),
    ],
)
def test_acts_log_is_read(text: str, line: Line, results: dict[str, str]) -> None:
    assert _read(text) == (line, results)


def asked(workspace: Path, **inputs: str) -> dict[str, str]:
    """The environment of the build's stand-in."""
    return {"GITHUB_WORKSPACE": str(workspace), **inputs}


def test_an_image_is_what_the_action_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").touch()
    tags = "registry.lab.test:5000/leo/shop:sha-1\nregistry.lab.test:5000/leo/shop:main\n\n"
    wanted = image.wish(
        asked(
            tmp_path,
            BUILD_TAGS=tags,
            BUILD_PUSH="true",
            BUILD_SBOM="true",
            CODEB_LAB_BUILD_ARGS="BASE=localhost/x",
        )
    )
    assert wanted == image.Wish(
        tmp_path, "Dockerfile", tuple(tags.split()), ("BASE=localhost/x",), push=True, attested=True
    )


def test_images_stay_in_the_lab(tmp_path: Path) -> None:
    (tmp_path / "Containerfile").touch()
    with pytest.raises(LabError, match=r"ghcr\.io/leo/shop:main is not in the lab's registry"):
        image.wish(asked(tmp_path, BUILD_TAGS="ghcr.io/leo/shop:main"))


def test_an_image_needs_a_containerfile(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="has no Containerfile or Dockerfile"):
        image.wish(asked(tmp_path))
