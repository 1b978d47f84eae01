"""How much of the processor the agent leaves to what serves."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.program.build import zipapp

REPO = Path(__file__).parents[4]
GIVES_WAY = """
import os, sys
from agent.program import processor
from agent.real import runner
given = processor.give_way(sys.argv[1])
policy = "import os; print(os.sched_getscheduler(0) == os.SCHED_IDLE, open('/proc/self/autogroup').read().strip())"
print(given, runner.RealRunner().run([sys.executable, "-c", policy]).out)
"""
needs_autogroups = pytest.mark.skipif(
    not Path("/proc/self/autogroup").exists(), reason="this kernel has no autogroups"
)


@needs_autogroups
@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("release", r"True True /autogroup-\d+ nice 19"),
        ("rollback", r"False False /autogroup-\d+ nice 0"),
        ("attach", r"False False /autogroup-\d+ nice 0"),
    ],
)
def test_a_session_of_its_own_gives_way_with_the_programs_it_runs(verb: str, expected: str) -> None:
    line = [sys.executable, "-c", GIVES_WAY, verb]
    done = subprocess.run(line, cwd=REPO, capture_output=True, text=True, check=True, start_new_session=True)
    assert re.fullmatch(expected, done.stdout.strip())


@needs_autogroups
def test_the_zipapp_gives_way_before_it_loads_anything(tmp_path: Path) -> None:
    agent = tmp_path / "agent.pyz"
    agent.write_bytes(zipapp())
    line = [sys.executable, "-ISX", "importtime", str(agent), "version"]
    done = subprocess.run(line, capture_output=True, text=True, check=True, start_new_session=True)
    loaded = [row.rpartition("|")[2].strip() for row in done.stderr.splitlines() if "agent" in row]
    assert loaded[:3] == ["agent", "agent.program", "agent.program.processor"]


@needs_autogroups
def test_somebodys_shell_does_not_give_way() -> None:
    spawn = "import pty, sys; pty.spawn(sys.argv[1:])"
    line = [sys.executable, "-c", spawn, sys.executable, "-c", GIVES_WAY, "release"]
    done = subprocess.run(
        line, cwd=REPO, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    assert re.fullmatch(r"False False /autogroup-\d+ nice 0", done.stdout.strip())
