"""The real Pulumi CLI with the stand-in on the simulated Vultr: a life of all resources, with faults on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.pulumi.cli import cli
from lab.pulumi.home import Home
from lab.vultr.faults import Rule
from lab.vultr.simulator import Simulator
from tests.conformance.workspace import SIGNATURE, Workspace
from tests.plugins.vultr.recording import wire

pytestmark = pytest.mark.cli

PROGRAM = Path(__file__).with_name("fleet.py")
CUSTOM = 14
"""Resources of the program: 11 types, of rules three and of instances two."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("pulumi"))
    made.ensure(cli(Folders.here(), Progress(), ()))
    return made


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """The simulator, and the environment that leads to it."""
    with Simulator(tmp_path / "vultr") as running:
        running.set(
            refuse_empty_block_patch=False
        )  # as the recordings' server, with which these lives are compared
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CODEB_VULTR_PACE", "0.001")
        yield running


IMPORTED = ("disk", "address", "balancer", "record", "rule-22", "storage")
UNTOLD = {"balancer": "update", "disk": "update"}
"""Of what is imported the API does not tell the balancer's certificate and how the disk was attached."""


class Stack:
    """The program on one stack, run by run."""

    def __init__(self, workspace: Workspace, account: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
        self._workspace, self._account, self._environment = workspace, account, monkeypatch

    def preview(self, **changes: Any) -> dict[str, str]:
        """What a preview would do, by the names of resources; the API is not asked."""
        before = len(self._account.calls())
        self._environment.setenv("FLEET", json.dumps(changes))
        shown = self._workspace.pulumi("preview", "--json")
        assert shown.returncode == 0, shown.stdout + shown.stderr
        assert self._account.calls()[before:] == []
        steps = json.loads(shown.stdout)["steps"]
        return {step["urn"].rpartition("::")[2]: step["op"] for step in steps if step["op"] != "same"}

    def up(self, *, fails: str = "", **changes: Any) -> list[str]:
        """The calls but reads of an update."""
        self._environment.setenv("FLEET", json.dumps(changes))
        return self._run("up", "--yes", "--skip-preview", fails=fails)

    def refresh(self, fails: str = "") -> list[str]:
        return self._run("refresh", "--yes", "--skip-preview", fails=fails)

    def destroy(self, fails: str = "") -> list[str]:
        return self._run("destroy", "--yes", "--skip-preview", fails=fails)

    def adopt(self, names: Sequence[str], ids: Mapping[str, str]) -> None:
        """Take resources out of the state, the last ones first, and import them again."""
        state = self.resources()
        for name in reversed(names):
            self._run("state", "delete", state[name]["urn"], "--yes")
        for name in names:
            of = (state[name]["type"], name, ids[name])
            self._run("import", *of, "--yes", "--generate-code=false", "--protect=false")

    def _run(self, *arguments: str, fails: str = "") -> list[str]:
        before = len(self._account.calls())
        ran = self._workspace.pulumi(*arguments)
        text = ran.stdout + ran.stderr
        assert (ran.returncode != 0) == bool(fails), text
        assert fails in text, text
        calls = self._account.calls()[before:]
        return [f"{call.method} {call.path}" for call in calls if call.method != "GET"]

    def resources(self) -> dict[str, dict[str, Any]]:
        """The state by name, of what is Vultr's."""
        found = self._workspace.latest().get("resources", [])
        return {item["urn"].rpartition("::")[2]: item for item in found if item["type"].startswith("vultr:")}


@pytest.fixture
def stack(home: Home, tmp_path: Path, account: Simulator, monkeypatch: pytest.MonkeyPatch) -> Stack:
    made = Workspace(tmp_path, home)
    (made.folder / "__main__.py").write_text(PROGRAM.read_text())
    return Stack(made, account, monkeypatch)


def test_a_life_of_all_resources(stack: Stack, account: Simulator) -> None:
    assert set(stack.preview().values()) == {"create"}
    stack.up()
    state = stack.resources()
    assert len(state) == CUSTOM
    assert stack.preview() == {}
    before = len(account.calls())
    assert stack.up() == []
    assert account.calls()[before:] == [], "a second run asks nothing"
    assert stack.refresh() == []
    assert stack.preview() == {}

    _assert_marks(state)
    changed = {"size": 60, "key": "other", "balancer": "other"}
    assert stack.preview(**changed) == dict.fromkeys(("disk", "key", "balancer"), "update")
    stack.up(**changed)
    assert {item["id"] for item in stack.resources().values()} == {item["id"] for item in state.values()}

    other_port = stack.preview(**changed, ports=("2222", "80", "443"))
    assert other_port == {"rule-22": "delete", "rule-2222": "create"}
    other_data = {**changed, "user_data": "#cloud-config\n# other\n"}
    replacing = stack.preview(**other_data)
    assert replacing["app-1"] == replacing["app-2"] == "replace"
    assert replacing.keys() == {"app-1", "app-2", "disk", "address", "balancer", "storage"}
    _assert_order(stack.up(**other_data), REPLACEMENT)
    assert stack.preview(**other_data) == {}

    _assert_order(
        stack.destroy(), [*DESTRUCTION, ("DELETE /(blocks|reserved-ips|vfs/[^/]*$)", "DELETE /instances")]
    )
    assert (stack.resources(), account.is_empty()) == ({}, True)


def _assert_marks(state: dict[str, dict[str, Any]]) -> None:
    """Secret: the password, the balancer's key, and the user data, as the program says so. Plain: console, certificate."""
    instance, balancer = state["app-1"]["outputs"], state["balancer"]["outputs"]
    assert SIGNATURE in instance["defaultPassword"]
    assert SIGNATURE in instance["userData"]
    assert SIGNATURE not in instance["kvm"]
    assert SIGNATURE in balancer["ssl"]["privateKey"]
    assert balancer["ssl"]["certificate"] == "CERTIFICATE"


REPLACEMENT = [
    ("POST /instances$", "POST /blocks/.*/attach|POST /reserved-ips/.*/attach"),
    ("POST /instances$", "PATCH /load-balancers|PUT /vfs/"),
    ("PATCH /load-balancers|/attach|PUT /vfs/", "PATCH /instances/"),
    ("PATCH /load-balancers|/attach|PUT /vfs/", "DELETE /instances/"),
]
"""Of a replaced instance: the new one comes first, what depends on it follows, then the old one goes."""

DESTRUCTION = [
    ("DELETE /firewalls/.*/rules/", "DELETE /firewalls/[^/]*$"),
    ("DELETE /domains/.*/records/", "DELETE /domains/[^/]*$"),
    ("DELETE /instances", "DELETE /ssh-keys|DELETE /firewalls/[^/]*$"),
]


@pytest.mark.parametrize(
    ("operation", "order"),
    [("replace_instance_and_drift_repair", REPLACEMENT), ("destroy", DESTRUCTION)],
)
def test_the_order_of_a_whole_stack_is_that_of_the_recording(
    operation: str, order: list[tuple[str, str]]
) -> None:
    """The same rules hold for the real plugin, so `test_a_life_of_all_resources` asks for what is so."""
    calls = wire()["_order_of_a_whole_stack"][operation]
    _assert_order([f"{call['method']} {call['path'].removeprefix('/v2')}" for call in calls], order)


def _assert_order(calls: list[str], order: list[tuple[str, str]]) -> None:
    """All that matches the first of a pair was called, and before anything that matches the second.

    Instances and balancers leave their network before they go.
    """
    for first, then in order:
        earlier, later = (
            [n for n, call in enumerate(calls) if re.search(each, call)] for each in (first, then)
        )
        assert earlier, first
        assert later, then
        assert max(earlier) < min(later), (first, then, calls)
    for call in calls:
        if re.match("DELETE /(instances|load-balancers)/", call):
            assert calls.index(call.replace("DELETE", "PATCH")) < calls.index(call)


def test_the_duplicates_and_orphans_of_lost_replies(stack: Stack, account: Simulator) -> None:
    account.faults.add(Rule("cut-after", method="POST", path="/instances", count=1))
    account.faults.add(Rule("500-after", method="POST", path="/vpcs", count=1))
    stack.up()
    content, state = account.content(), stack.resources()
    assert (len(content["instances"]), len(content["vpcs"])) == (3, 2)
    known = {item["id"] for item in state.values()}
    assert len(content["instances"].keys() - known) == len(content["vpcs"].keys() - known) == 1


@pytest.mark.slow
def test_a_refresh_under_trouble_loses_balancer_and_record_and_nothing_else(
    stack: Stack, account: Simulator
) -> None:
    stack.up()
    account.faults.add(Rule("500", method="GET", path="/instances/*"))
    stack.refresh(fails="error getting instance")
    account.faults.clear()
    account.faults.add(Rule("500", method="GET", path="/load-balancers/*", count=4))
    account.faults.add(Rule("500", method="GET", path="/domains/*/records/*", count=4))
    stack.refresh()
    assert stack.resources().keys() & {"balancer", "record"} == set()
    assert stack.preview() == {"balancer": "create", "record": "create"}
    stack.up()
    assert len(account.content()["load_balancers"]) == 2, "nobody knows the first one any more"


@pytest.mark.slow
def test_a_deletion_whose_reply_is_lost_fails_and_a_refresh_mends_it(
    stack: Stack, account: Simulator
) -> None:
    stack.up()
    account.faults.add(Rule("cut-after", method="DELETE", path="/instances/*", count=1))
    stack.destroy(fails="error destroying instance")
    assert stack.resources() != {}
    stack.refresh()
    stack.destroy()
    assert account.is_empty()


@pytest.mark.slow
def test_what_was_not_finished_is_updated_by_the_next_run(stack: Stack, account: Simulator) -> None:
    account.faults.add(
        Rule("500", method="POST", path="/blocks/*/attach", status=400, text="locked", count=1)
    )
    stack.up(fails="error attaching block storage")
    disk = stack.resources()["disk"]
    assert disk["initErrors"]
    calls = stack.up()
    assert f"PATCH /blocks/{disk['id']}" in calls
    assert not [call for call in calls if call.startswith("POST /blocks")]
    assert stack.preview() == {"disk": "update"}
    assert f"POST /blocks/{disk['id']}/attach" in stack.up()
    assert stack.preview() == {}


@pytest.mark.slow
def test_what_is_imported_differs_in_what_the_api_does_not_tell(stack: Stack, account: Simulator) -> None:
    stack.up()
    state = stack.resources()
    rule, record = state["rule-22"]["id"], state["record"]["id"]
    ids = {name: item["id"] for name, item in state.items()}
    stack.adopt(
        IMPORTED, ids | {"rule-22": f"{state['group']['id']},{rule}", "record": f"example.test,{record}"}
    )
    found = stack.resources()
    assert {name: found[name]["id"] for name in IMPORTED} == {name: ids[name] for name in IMPORTED}
    assert stack.preview() == UNTOLD


@pytest.mark.slow
def test_an_instance_that_is_imported_would_be_replaced(stack: Stack, account: Simulator) -> None:
    """Its user data and keys are not told, either: who wants to keep it has the program ignore their changes."""
    stack.up()
    ids = {name: item["id"] for name, item in stack.resources().items()}
    stack.adopt(("app-2", "storage", "balancer", "record"), ids | {"record": f"example.test,{ids['record']}"})
    assert stack.preview()["app-2"] == "replace"


def test_a_wrong_key_is_an_error_of_the_first_call(
    stack: Stack, account: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VULTR_API_KEY", "WRONG")
    stack.up(fails="Invalid API token")
    monkeypatch.delenv("VULTR_API_KEY")
    stack.up(fails="pulumi config set vultr:apiKey")
