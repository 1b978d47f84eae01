"""Live delivery tracking goes with the template as it is, and says so where it doesn't."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab import apps, paths
from lab.apps import CORE_CMS, FOOD
from lab.host import LabError


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Template and example beside each other, and nothing that was made of them."""
    for folder in (CORE_CMS.folder, FOOD.folder):
        ignored = shutil.ignore_patterns("node_modules", ".next", "generated")
        shutil.copytree(paths.REPO / folder, tmp_path / folder, ignore=ignored)
    monkeypatch.setattr(apps.paths, "REPO", tmp_path)
    monkeypatch.setattr(apps.paths, "LAB", tmp_path / ".lab")
    return tmp_path


def test_the_feature_s_files_and_edits_are_in_what_is_built(repository: Path) -> None:
    made = FOOD.sources
    assert (made / "src/app/api/orders/[id]/place/route.ts").is_file()
    assert "model CourierPlace" in (made / "prisma/schema.prisma").read_text()
    assert '"orders"' in (made / "src/messages/en.json").read_text()
    assert (made / ".npmrc").is_file(), "what begins with a dot, too"
    assert FOOD.sources == made, "made once"


def test_another_template_makes_another_folder_and_the_older_one_goes(repository: Path) -> None:
    before = FOOD.sources
    (repository / CORE_CMS.folder / "public" / "new.txt").write_text("new")
    after = FOOD.sources
    assert after != before
    assert not before.exists()
    assert (after / "public" / "new.txt").is_file()


def test_who_tries_the_template_makes_no_other_app_of_it(repository: Path) -> None:
    before = FOOD.sources
    template = repository / CORE_CMS.folder
    for name in (
        "src/generated/client.ts",
        "next-env.d.ts",
        "tsconfig.tsbuildinfo",
        "node_modules/x",
        ".dev/x",
        ".env",
    ):
        (template / name).parent.mkdir(parents=True, exist_ok=True)
        (template / name).write_text("made")
    assert FOOD.sources == before


def test_two_runs_at_once_make_it_once(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edits = []
    monkeypatch.setattr(apps, "_edit", lambda folder, patch: (edits.append(folder), time.sleep(0.1)))
    with ThreadPoolExecutor() as pool:
        found = {pool.submit(lambda: FOOD.sources) for _ in range(4)}
        assert len({each.result() for each in found}) == 1
    assert len(edits) == 1


def test_edits_that_no_longer_fit_are_said_with_the_file_and_the_way_out(repository: Path) -> None:
    (repository / CORE_CMS.folder / "prisma" / "schema.prisma").write_text("// another schema\n")
    with pytest.raises(LabError, match=r"schema\.prisma") as caught:
        _ = FOOD.sources
    assert "edits.patch" in str(caught.value.remedy)
    made = (repository / ".lab" / "features").glob("*/*/food-delivery-app")
    assert not [path for path in made if path.parent.suffix != ".part"], "nothing half-made"


def test_the_readme_s_lines_make_the_app(tmp_path: Path) -> None:
    """In a clone: a new app, the feature's files and its edits, as they stand there; what runs then is only named."""
    for name in ("templates", FOOD.folder, "manifests"):
        ignored = shutil.ignore_patterns("node_modules", ".next", "generated")
        shutil.copytree(paths.REPO / name, tmp_path / name, ignore=ignored)
    (block,) = re.findall(r"```sh\n(.+?)```", (paths.REPO / FOOD.folder / "README.md").read_text(), re.DOTALL)
    lines, left = block.split("make dev")
    done = subprocess.run(
        ["sh", "-euc", f"git init -q .\n{lines}\npwd\nmake -n test\n"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    app = tmp_path / "apps" / "my-delivery"
    assert f"\n{app}\n" in done.stdout
    assert "my-delivery" in (tmp_path / "manifests" / "my-delivery.yaml").read_text()
    assert "model CourierPlace" in (app / "prisma/schema.prisma").read_text()
    assert (app / "src/app/api/orders/[id]/place/route.ts").is_file()
    assert "make test" in left
    order = [done.stdout.index(f"npm run {name}\n") for name in ("build", "context", "test:integration")]
    assert order == sorted(order), "tests are of what was built"
