"""The benchmark's stacks on the real CLI: both programs do just what is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.bench.many.split import Join, Parts, split_runs
from lab.bench.programs import bare_program, manifests_program
from lab.bench.stacks import Bench
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.pulumi.cli import cli


@pytest.mark.slow
def test_both_programs_do_what_is_measured_and_leave_their_settings_as_they_are(tmp_path: Path) -> None:
    found = cli(Folders.here(), Progress(), ())
    ours = Bench.make(found, tmp_path / "ours", manifests_program(tmp_path / "ours" / "program", 2))
    settings = (ours.program.folder / "Pulumi.bench.yaml").read_text()
    total = ours.preview().resources
    bare = Bench.make(found, tmp_path / "bare", bare_program(tmp_path / "bare" / "program", total))
    for bench in (ours, bare):
        assert bench.up().counts == {"create": total}
        assert bench.up().counts == {"unchanged": total}
        bench.program.release(1, 2)
        assert bench.up().counts == {"update": 1, "unchanged": total - 1}
    assert (ours.program.folder / "Pulumi.bench.yaml").read_text() == settings


@pytest.mark.slow
def test_a_stack_for_each_pool_runs_beside_the_others_and_their_registries_join(tmp_path: Path) -> None:
    found = cli(Folders.here(), Progress(), ())
    *parts, joined = split_runs(found, 2, 1, [1], tmp_path)
    assert isinstance(joined, Join)
    assert joined.projects == 2
    by_name = {part.what: part for part in parts if isinstance(part, Parts)}
    assert list(by_name) == ["preview, no change", "up, no change", "up, 1 changed"]
    assert all(set(run.counts) == {"unchanged"} for run in by_name["up, no change"].runs)
    (changed,) = by_name["up, 1 changed"].runs
    assert changed.counts["update"] == 1
    assert changed.rss_mb["program"] > 0
    assert changed.rss_mb["cli"] > 0
