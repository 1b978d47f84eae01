"""The shapes of `make lab-fleet`: settings that the program takes, in project folders of their own."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml
from rich.console import Console

from codeb.model import parse_settings
from codeb.plan import make_plan
from lab import cli as lab_cli
from lab import paths
from lab.fleet import cli
from lab.fleet import shape as shapes
from lab.fleet.cli import Session
from lab.host import LabError
from lab.pulumi.errors import StackError
from lab.pulumi.home import Home
from lab.pulumi.stack import Stack

SERVERS = {
    "balanced": (["app-1", "app-2", "data-1"], "passthrough"),
    "single": (["app-1"], None),
    "split": (["app-1", "data-1"], None),
    "terminate": (["app-1", "app-2", "data-1"], "terminate"),
}


def test_every_shape_is_tried_here() -> None:
    assert set(shapes.names()) == set(SERVERS)
    assert shapes.names()[0] == shapes.BALANCED


@pytest.mark.parametrize("shape", SERVERS)
def test_a_shape_has_these_servers(shape: str) -> None:
    values = {key.removeprefix("codeb:"): value for key, value in shapes.settings(shape).items()}
    fleet = make_plan(parse_settings(values), ()).fleet
    assert fleet is not None
    balancer = fleet.balancer.tls if fleet.balancer else None
    assert ([machine.server for machine in fleet.machines], balancer) == SERVERS[shape]
    assert shapes.ends_tls(shapes.settings(shape)) == (balancer == "terminate")


def test_a_project_folder_has_the_repositorys_program_and_its_own_settings(tmp_path: Path) -> None:
    folder = tmp_path / "single"
    for _ in range(2):
        shapes.project(folder, {"codeb:domain": "fleet.test"}, tmp_path)
    assert (folder / "__main__.py").resolve() == paths.REPO / "__main__.py"
    assert (folder / ".lab").resolve() == tmp_path
    assert yaml.safe_load((folder / "Pulumi.fleet.yaml").read_text()) == {
        "config": {"codeb:domain": "fleet.test"}
    }


class Account:
    """Of a cloud, as far as is asked here."""

    def __init__(self, empty: bool) -> None:
        self.is_empty = lambda: empty


def test_a_second_shape_waits_for_the_end_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "FLEET", tmp_path)
    used, empty = (SimpleNamespace(account=Account(is_empty)) for is_empty in (False, True))

    def claim(cloud: Any, shape: str) -> None:
        cli.claim(Session(cloud, cast(Stack, None), shape, Console(), []))

    claim(empty, "single")
    claim(used, "single")
    with pytest.raises(LabError, match="destroy --shape single"):
        claim(used, "balanced")
    claim(empty, "balanced")
    with pytest.raises(LabError, match="in the shape balanced"):
        claim(used, "split")


@pytest.mark.parametrize("module", [cli, lab_cli])
def test_the_state_of_nothing_says_what_to_do(module: Any, tmp_path: Path) -> None:
    nothing = Stack(
        tmp_path, "fleet", Home(tmp_path / "home"), tmp_path / "s.yaml", tmp_path / "b", tmp_path / "p"
    )
    with pytest.raises(StackError, match="there is no stack fleet"):
        module.status(SimpleNamespace(stack=nothing, cloud=SimpleNamespace(servers=list)))
    emptied = SimpleNamespace(outputs=dict)
    with pytest.raises(LabError, match="nothing is deployed"):
        module.status(SimpleNamespace(stack=emptied, cloud=SimpleNamespace(servers=list)))


def test_what_is_paid_for_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    values = {key.removeprefix("codeb:"): value for key, value in shapes.settings(shapes.BALANCED).items()}
    cli._print_costs(dict(make_plan(parse_settings(values), ()).costs.output), Console())
    said = capsys.readouterr().out
    total, *each = (float(price) for price in re.findall(r"\$([0-9.]+[0-9])", said))
    assert total == sum(each)
    assert "balancer $10.00" in said
