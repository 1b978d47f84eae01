"""The units that `codeb autoscale timer` writes: right for systemd, whatever is in a name, and nobody's file is lost."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from codeb.render.autoscale import TimerArgs, timer_units
from ops.autoscale_commands import COMMANDS
from ops.cli import main
from ops.scaling.timer import timer

ARGS = TimerArgs("prod", "/srv/leo's platform", "/usr/bin/env", "root", "/etc/codeb/autoscale-prod.env", 60)


def test_the_units_say_what_runs_where_and_how_often() -> None:
    units = timer_units(ARGS)
    assert list(units) == ["codeb-autoscale-prod.service", "codeb-autoscale-prod.timer"]
    service, every = units.values()
    assert 'ExecStart="/usr/bin/env" "autoscale" "--stack" "prod"\n' in service
    assert "WorkingDirectory=/srv/leo's platform\n" in service
    assert "SuccessExitStatus=3\n" in service
    assert "OnUnitInactiveSec=60s\n" in every


@pytest.mark.parametrize("field", ["folder", "codeb", "environment", "user", "stack"])
@pytest.mark.parametrize("hostile", ["/a\nExecStart=/bin/id", "/a\\", "/a\0b", "/a\u2028b"])
def test_nothing_of_a_path_gets_off_its_line(field: str, hostile: str, tmp_path: Path) -> None:
    done = timer(replace(ARGS, **{field: hostile}), tmp_path)
    if done.ok:  # a backslash at the end of a quoted word is one
        text = (tmp_path / "codeb-autoscale-prod.service").read_text()
        assert text.count("ExecStart=") == 1
        assert text.count("\n") == "".join(timer_units(ARGS)["codeb-autoscale-prod.service"]).count("\n")
    else:
        assert not list(tmp_path.iterdir())


def test_specifiers_and_variables_stay_text() -> None:
    service, _ = timer_units(replace(ARGS, folder="/srv/100%h", codeb="/opt/$HOME/%u/codeb")).values()
    assert "WorkingDirectory=/srv/100%%h\n" in service
    assert '"/opt/$$HOME/%%u/codeb"' in service


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_them(tmp_path: Path) -> None:
    assert timer(replace(ARGS, folder=str(tmp_path)), tmp_path).ok
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(map(str, tmp_path.glob("codeb-*")))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_writing_again_is_fine_and_nobody_else_s_file_is_written_over(tmp_path: Path) -> None:
    assert timer(ARGS, tmp_path / "units").ok
    again = timer(replace(ARGS, every_s=120), tmp_path / "units")
    assert again.ok
    assert "OnUnitInactiveSec=120s" in (tmp_path / "units" / "codeb-autoscale-prod.timer").read_text()
    own = tmp_path / "units" / "codeb-autoscale-prod.service"
    own.write_text("[Service]\nExecStart=/mine\n")
    refused = timer(ARGS, tmp_path / "units")
    assert "was not written by this command" in refused.problems[0]
    assert "ExecStart=/mine" in own.read_text()


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [command.name for command in COMMANDS] == ["autoscale"]
    assert main(["autoscale", "timer", "--stack", "prod"]) == 2
    assert main(["autoscale", "--stack", "prod", "--to", str(tmp_path)]) == 2
    for wrong in (["--every", "10s"], ["--every", "2h"], ["--user", "a b"]):
        with pytest.raises(SystemExit):
            main(["autoscale", "timer", "--stack", "prod", "--to", str(tmp_path), *wrong])
    capsys.readouterr()
    words = ["--to", str(tmp_path), "--every", "5m", "--user", "codeb", "--environment", "/etc/own.env"]
    assert main(["autoscale", "timer", "--stack", "prod", *words]) == 0
    text = (tmp_path / "codeb-autoscale-prod.service").read_text()
    assert "User=codeb\n" in text
    assert "EnvironmentFile=/etc/own.env\n" in text
    assert "systemctl enable --now codeb-autoscale-prod.timer" in capsys.readouterr().out
