"""The deployment guide is run, command by command, as its reader would: on the simulated Vultr, with the real CLI.

Hosts only answer (`lab.bench.null`). What the reader does besides is done here: he enters the API key, has a key of Ann's,
puts the ids that `check` shows in the place of ID, and says yes when he is asked.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from codeb.model import ManifestSource, load_manifests, parse_settings
from codeb.plan import make_plan
from lab.bench.by_hand import call
from lab.bench.stacks import ANSWERS
from lab.paths import REPO
from lab.pulumi.cli import Cli
from lab.vultr.faults import Rule
from lab.vultr.simulator import Simulator
from tests.vultr import measured
from tests.vultr.guide import GUIDE, Step, printed, steps
from tests.vultr.reader import Reader

ACCOUNT: Final = "guide"
ZONE: Final = "example.com"
SHAPES: Final = ("one server", "app and data", "two app servers behind a balancer")


def follow(reader: Reader, step: Step) -> None:
    """Run a block: each command ends well, and what the guide says is printed."""
    said = ""
    for number, command in enumerate(step.commands):
        finds = step.section in TROUBLES and number == 0
        status, words = reader.do(command)
        assert status == int(finds), f"{step.section}: {command}\n{words}"
        said += words
    missing = [line for line in step.prints if not printed(line, said)]
    assert not missing, f"{step.section}: the guide says {missing}, but it prints:\n{said}"


def twice(reader: Reader) -> None:
    """An update makes a third app server, and the reply is lost."""
    reader.vultr.faults.add(Rule("cut-after", method="POST", path="/instances", count=1, account=ACCOUNT))
    before = set(reader.content("instances"))
    status, words = reader.shell("pulumi config set --path 'codeb:pools[0].count' 3 && pulumi up")
    assert status == 0, words
    reader.remember()
    known = {one["id"] for one in reader.outputs()["fleet"]["servers"].values()}
    reader.ids = sorted(set(reader.content("instances")) - before - known)
    assert len(reader.ids) == 1


def lost(reader: Reader) -> None:
    """What the guide warns of: a plain refresh while reads fail."""
    reader.vultr.faults.add(Rule("500", method="GET", path="/load-balancers/*", count=4, account=ACCOUNT))
    status, words = reader.shell("pulumi refresh --run-program --skip-preview")
    assert status == 0, words
    reader.ids = list(reader.content("load_balancers"))
    assert len(reader.ids) == 1


def loose(reader: Reader) -> None:
    """Somebody takes the data disk off its server."""
    (reader.ids,) = [[disk] for disk in reader.content("blocks")]
    call(reader.vultr, ACCOUNT, "POST", f"/blocks/{reader.ids[0]}/detach", {"live": True})


def gone(reader: Reader) -> None:
    """Somebody deletes a server at Vultr."""
    server = reader.outputs()["fleet"]["servers"]["app-3"]["id"]
    call(reader.vultr, ACCOUNT, "DELETE", f"/instances/{server}")
    reader.ids = [server]


TROUBLES: Final[dict[str, Callable[[Reader], None]]] = {
    "There twice": twice,
    "Lost by the state": lost,
    "A disk that is not at its server": loose,
    "Deleted by hand": gone,
}
"""What goes wrong before the section that mends it."""


def watched(reader: Reader) -> None:
    """Once a server watches, Prometheus has seen a quiet half hour."""
    outputs = reader.outputs()
    servers = outputs["fleet"]["servers"]
    busy = {name: 50.0 for name in servers if name.startswith("app-")}
    if "monitoring" in outputs["servers"]["data-1"]["roles"]:
        measured.answer(reader.folder / ANSWERS, servers["data-1"]["address"], busy, time.time())


@pytest.mark.slow
@pytest.mark.cli
def test_the_guide_leads_from_an_empty_account_to_apps_and_back(
    built: Cli, vultr: Simulator, tmp_path: Path
) -> None:
    vultr.accounts.ensure(ACCOUNT)
    call(vultr, ACCOUNT, "POST", "/domains", {"domain": ZONE})
    reader = Reader.make(built, tmp_path / "reader", vultr, ACCOUNT)
    servers: dict[str, set[str]] = {}
    for step in steps():
        if step.section in TROUBLES:
            TROUBLES[step.section](reader)
        if step.section == "As many as the load needs":
            watched(reader)
        follow(reader, step)
        servers[step.section] = set(reader.content("instances"))
    assert servers["The first app"] < servers["A second edge"] == servers["A larger server"]
    assert not servers["Replacing a server"] & servers["The first app"]
    assert servers["Keys"] == servers["Replacing a server"]
    left = {kind for kind, things in vultr.content(ACCOUNT).items() if things and kind != "failures"}
    assert left == {"domains"}


def test_its_costs_are_those_of_the_shapes_in_the_production_stack() -> None:
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| \$([0-9.]+) \|$", GUIDE.read_text(), re.MULTILINE)
    found = [monthly(pools) for pools in shapes()]
    assert {name: float(price) for name, price in rows} == dict(zip(SHAPES, found, strict=True))


def shapes() -> list[list[dict[str, Any]]]:
    """The pools of `Pulumi.prod.yaml`, from the smallest shape on: two in comments, one in force."""
    text = (REPO / "Pulumi.prod.yaml").read_text()
    two, one = re.findall(r"^ +# Small\w+[:,].*\n(?: +# [^-].*\n)*((?: +# - .*\n)+)", text, re.MULTILINE)
    return [*(yaml.safe_load(part.replace("# ", "")) for part in (one, two)), settings()["pools"]]


def monthly(pools: list[dict[str, Any]]) -> float:
    parsed = parse_settings({**settings(), "pools": pools}, "prod")
    nothing: list[ManifestSource] = []
    plan = make_plan(parsed, load_manifests(nothing, parsed), None)
    return float(plan.costs.output["monthly"])


def settings() -> dict[str, Any]:
    """Of the production stack, as it is committed."""
    found = yaml.safe_load((REPO / "Pulumi.prod.yaml").read_text())["config"]
    return {key.removeprefix("codeb:"): value for key, value in found.items()}
