"""Readers that have read enough, and outputs that can't be written: said in one line or not at all, for every command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = "project: {{id: shop{0}}}\nenvironment: {{domain: shop{0}.example.com, image: ghcr.io/x/shop:1}}\n"
PROGRAM = "import sys; from ops.cli import main; sys.exit(main(sys.argv[1:]))"
ROOT = Path(__file__).parents[3]
COMMANDS = [
    ["validate"],
    ["validate", "--json"],
    ["validate", "nothing-here"],
    ["schema", "--output", "-"],
    ["--help"],
    ["status", "--help"],
    ["status", "--stack", "nothing"],
    ["status", "--stack", "nothing", "--json"],
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "manifests").mkdir()
    for number in range(30):
        (tmp_path / "manifests" / f"shop{number}.yaml").write_text(GOOD.format(number))
    return tmp_path


def called(folder: Path, arguments: list[str], out: int, err: int) -> int:
    line = [sys.executable, "-c", PROGRAM, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(line, stdout=out, stderr=err, cwd=folder, env=environment, check=False).returncode


def closed_pipe() -> int:
    """The writing end of a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("streams", ["out", "both"])
def test_a_reader_that_has_gone_ends_it_quietly(folder: Path, arguments: list[str], streams: str) -> None:
    out = closed_pipe()
    with (folder / "err").open("wb") as err:
        code = called(folder, arguments, out, err.fileno() if streams == "out" else out)
    os.close(out)
    said = (folder / "err").read_text()
    assert "Traceback" not in said
    assert "BrokenPipe" not in said
    assert "Exception ignored" not in said
    if "--help" not in arguments:  # argparse itself keeps quiet, and goes on
        assert code == (1 if said else 141)


def test_what_others_pipe_into_head_ends_as_other_programs_do(folder: Path) -> None:
    """As a shell sees it: the first line arrives, the status is that of SIGPIPE."""
    line = f"{sys.executable} -c '{PROGRAM}' validate --json | head -1; echo ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, cwd=folder, env=environment, check=False
    )
    first, status = done.stdout.split()
    assert (first, done.stderr) == ("{", "")
    assert status in ("0", "141")


@pytest.mark.parametrize("arguments", COMMANDS[:2], ids=" ".join)
def test_a_full_disk_is_said_in_one_line(folder: Path, arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full, (folder / "err").open("wb") as err:
        assert called(folder, arguments, full.fileno(), err.fileno()) == 1
    assert (folder / "err").read_text() == "error: the output can't be written: No space left on device\n"


@pytest.mark.parametrize("arguments", [COMMANDS[0], COMMANDS[4], COMMANDS[7]], ids=" ".join)
@pytest.mark.parametrize("closed", [">&-", ">&- 2>&- <&-"])
def test_closed_streams_lead_nowhere(folder: Path, arguments: list[str], closed: str) -> None:
    line = f"{sys.executable} -c '{PROGRAM}' {' '.join(arguments)} {closed}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, cwd=folder, env=environment, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == (1 if "nothing" in line else 0)


@pytest.mark.parametrize(
    "arguments",
    [["approve", "--help"], ["validate", "manifests\udcff"], ["validate", "ü", "--json"]],
    ids=ascii,
)
def test_what_an_output_can_t_show_is_escaped(folder: Path, arguments: list[str]) -> None:
    line = [sys.executable, "-c", PROGRAM, *map(os.fsencode, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(line, capture_output=True, cwd=folder, env=environment, check=False)
    assert b"Traceback" not in done.stderr
    assert done.returncode == (0 if "--help" in arguments else 1)
    if "--json" in arguments:
        assert json.loads(done.stdout)["problems"][0]["file"] == "ü"


JSON = {
    "status": ["status", "--stack", "nothing"],
    "new": ["new", "shop99", "--domain", "a b", "--image", "x"],
    "new in a folder that nobody can write": ["new", "shop99", "--domain", "a.b", "--image", "x/y:1"],
    "protect": ["protect", "shop1", "--user", "ann", "--stack", "nothing"],
    "protect, too short": ["protect", "shop1", "--user", "ann"],
    "diff": ["diff", "--stack", "nothing"],
    "approve": ["approve", "0" * 24],
    "approve a rollback": ["approve", "--rollback", "shop1", "--stack", "nothing"],
    "schema": ["schema", "--output", "/nonexistent/x"],
    "schema, out of date": ["schema", "--check", "--output", "nothing"],
    "validate": ["validate", "--stack", "nothing"],
    "settings that are a folder": ["status", "--stack", "folder"],
    "settings that are a folder, checked": ["validate", "--stack", "folder"],
    "a manifests' folder that can't be": [
        "protect",
        "shop1",
        "--user",
        "ann",
        "--generate",
        "--stack",
        "null",
    ],
    "cost": ["cost", "--stack", "nothing"],
    "exec": ["exec", "shop1", "--stack", "nothing"],
    "console": ["console", "shop1", "db", "--stack", "nothing"],
    "logs": ["logs", "shop1", "--stack", "nothing"],
    "logs, followed": ["logs", "shop1", "-f", "--stack", "nothing"],
    "restart": ["restart", "shop1", "--stack", "nothing"],
}


@pytest.mark.parametrize(
    ("kind", "home"),
    [*((kind, "usual") for kind in JSON), ("approve", "/proc/nobody"), ("diff", "/proc/nobody")],
)
def test_what_fails_is_json_for_programs(folder: Path, kind: str, home: str) -> None:
    """`home`: where plans are kept; one that can't be made stands in the way of some."""
    if "write" in kind:
        (folder / "manifests").rename(folder / "before")
        (folder / "manifests").write_text("a file")
    (folder / "Pulumi.folder.yaml").mkdir()
    (folder / "Pulumi.null.yaml").write_text('config: {codeb:manifests: "a\\0b"}')
    own = str(folder) if home == "usual" else home
    line = [
        sys.executable,
        "-c",
        PROGRAM,
        *JSON[kind],
        "--json",
        *(["--", "ls", "--json"] if kind == "exec" else []),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": own, "XDG_STATE_HOME": ""}
    done = subprocess.run(
        line,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["ok"] is False
