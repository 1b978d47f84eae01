"""The lab's stand-in for GitHub, asked by the very client that `codeb ci` has."""

from __future__ import annotations

import json
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest

from lab.delivery.github import Fault, Hub, Job, Step, issues, runs, serving
from ops.ci.context import CiError, Workflow
from ops.ci.github import GitHub

SHA = "c" * 40


@dataclass
class World:
    hub: Hub
    url: str

    def client(self, token: str, repository: str = "leo/shop") -> GitHub:
        workflow = Workflow(repository, 1, 1, SHA, "push", {}, token, api_url=self.url)
        return GitHub(workflow, sleep=lambda _: None)

    def allowed(self, *permissions: str, login: str = "github-actions[bot]") -> GitHub:
        return self.client(self.hub.add_token("leo/shop", *permissions, login=login))

    def lab(self, path: str, document: object = None) -> dict[str, object]:
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(f"{self.url}{path}", data)  # noqa: S310 the stand-in itself
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            found: dict[str, object] = json.load(answer)
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    hub = Hub(tmp_path / "hub")
    hub.add_repository("leo/shop", {"production": ["ann"]})
    hub.add_repository("leo/platform")
    with serving(hub) as url:
        yield World(hub, url)


def begun(world: World, **more: object) -> int:
    return runs.begin(world.hub, "leo/shop", "build.yml", name="build", event="push", sha=SHA, **more)  # type: ignore[arg-type]


def test_a_wrong_token_is_401_and_one_of_another_repository_sees_nothing(world: World) -> None:
    with pytest.raises(CiError, match=r"401.*Bad credentials"):
        world.client("ghs_nobodys").get("/issues")
    with pytest.raises(CiError, match=r"404.*Not Found"):
        world.client(world.hub.add_token("leo/platform", "issues:write")).get("/issues")
    with pytest.raises(CiError, match="404"):
        world.allowed("issues:write").get("/no/such/call")


def test_a_token_may_do_what_its_permissions_say_and_no_more(world: World) -> None:
    assert list(world.allowed("issues:read").pages("/issues")) == []
    with pytest.raises(CiError, match=r"403.*not accessible by integration"):
        world.allowed("issues:read").post("/issues", {"title": "t"})
    with pytest.raises(CiError, match=r"403.*not accessible by personal access token"):
        world.allowed("issues:write", login="kim").post("/dispatches", {"event_type": "x"})


def test_a_run_s_token_ends_with_the_run(world: World) -> None:
    token = world.hub.add_token("leo/shop", "issues:read", run=7)
    lasting = world.hub.add_token("leo/shop", "issues:read")
    world.hub.forget_tokens(7)
    with pytest.raises(CiError, match="401"):
        world.client(token).get("/issues")
    assert world.client(lasting).get("/issues") == []


def test_the_file_has_no_token_and_is_its_owner_s(world: World) -> None:
    token = world.hub.add_token("leo/shop", "issues:write")
    assert token not in world.hub.file.read_text()
    assert world.hub.file.stat().st_mode & 0o777 == 0o600


def test_issues_are_found_by_label_and_state_and_outlive_the_server(world: World) -> None:
    github = world.allowed("issues:write")
    made = github.post("/issues", {"title": "it fails", "body": "why", "labels": ["drift"]})
    github.post("/issues", {"title": "another"})
    assert made["user"] == {
        "login": "github-actions[bot]",
        "type": "Bot",
        "html_url": "https://github.com/github-actions[bot]",
    }
    assert [issue["number"] for issue in github.pages("/issues", labels="drift")] == [made["number"]]
    github.patch(f"/issues/{made['number']}", {"state": "closed", "title": "it failed"})
    assert list(github.pages("/issues", labels="drift")) == []
    again = Hub(world.hub.folder)
    assert [
        issue["title"] for issue in issues.listed(again, "leo/shop", {"labels": "drift", "state": "all"})
    ] == ["it failed"]


def test_a_comment_is_made_and_changed_where_it_is(world: World) -> None:
    github = world.allowed("pull-requests:write")
    number = issues.open_pull(world.hub, "leo/shop", "a change", "topic", SHA, "kim")
    made = github.post(f"/issues/{number}/comments", {"body": "one"})
    github.patch(f"/issues/comments/{made['id']}", {"body": "two"})
    assert [comment["body"] for comment in github.pages(f"/issues/{number}/comments")] == ["two"]
    assert github.get(f"/pulls/{number}")["head"]["sha"] == SHA
    with pytest.raises(CiError, match=r"422.*body is too long \(maximum is 65536 characters\)"):
        github.post(f"/issues/{number}/comments", {"body": "x" * 65_537})


def test_lists_come_page_by_page(world: World) -> None:
    for number in range(205):
        issues.make(world.hub, "leo/shop", {"title": f"issue {number}"}, "kim")
    github = world.allowed("issues:read")
    assert len(github.get("/issues")) == 30
    assert len({issue["number"] for issue in github.pages("/issues")}) == 205


def test_a_dispatch_is_remembered_once(world: World) -> None:
    github = world.allowed("contents:write")
    assert (
        github.post("/dispatches", {"event_type": "codeb-release", "client_payload": {"project": "shop"}})
        == {}
    )
    sent = {"event_type": "codeb-release", "client_payload": {"project": "shop"}}
    assert [world.hub.dispatches("leo/shop"), world.hub.dispatches("leo/shop")] == [[sent], []]
    with pytest.raises(CiError, match="422"):
        github.post("/dispatches", {"event_type": "x", "client_payload": {str(key): 1 for key in range(11)}})


def test_logs_are_behind_a_redirect_that_takes_no_token(world: World) -> None:
    run = begun(world)
    step = Step("npm ci", "failure", 1_800_000_000, [(1_800_000_000.5, "npm error")])
    runs.end(world.hub, run, "failure", [Job("test", "failure", [step])])
    github = world.allowed("actions:read")
    (job,) = github.pages(f"/actions/runs/{run}/jobs", "jobs")
    assert job["steps"] == [
        {
            "number": 1,
            "name": "npm ci",
            "status": "completed",
            "conclusion": "failure",
            "started_at": "2027-01-15T08:00:00Z",
        }
    ]
    line = b"2027-01-15T08:00:00.5000000Z npm error\n"
    assert github.download(f"/actions/jobs/{job['id']}/logs", 1000) == line
    archive = zipfile.ZipFile(BytesIO(github.download(f"/actions/runs/{run}/logs", 1000)))
    assert {name: archive.read(name) for name in archive.namelist()} == {
        "0_test.txt": line,
        "test/1_npm ci.txt": line,
    }


def test_a_job_of_a_protected_environment_waits_for_its_reviewer(world: World) -> None:
    run = begun(world, environments={"deploy": "production", "plan": "nobody-reviews"})
    asked = f"/_lab/hold?repository=leo/shop&run_id={run}&job="
    said = {"repository": "leo/shop", "run_id": run, "environment": "production", "login": "ann"}
    assert world.lab(f"{asked}plan") == {"approved": True}
    with pytest.raises(urllib.error.HTTPError, match="422"):
        world.lab("/_lab/approve", said)
    assert world.lab(f"{asked}deploy") == {"approved": False, "rejected": False}
    with pytest.raises(urllib.error.HTTPError, match="403"):
        world.lab("/_lab/approve", {**said, "login": "kim"})
    world.lab("/_lab/approve", said)
    assert world.lab(f"{asked}deploy") == {"approved": True, "rejected": False}
    (review,) = world.allowed("actions:read").get(f"/actions/runs/{run}/approvals")
    assert (review["state"], review["user"]["login"]) == ("approved", "ann")


def test_a_no_of_the_reviewer_is_no_approval(world: World) -> None:
    run = begun(world, environments={"deploy": "production"})
    world.lab(f"/_lab/hold?repository=leo/shop&run_id={run}&job=deploy")
    said = {"repository": "leo/shop", "run_id": run, "environment": "production", "login": "ann"}
    world.lab("/_lab/approve", {**said, "state": "rejected"})
    answer = world.lab(f"/_lab/hold?repository=leo/shop&run_id={run}&job=deploy")
    assert answer == {"approved": False, "rejected": True}


def test_what_a_killed_command_left_is_over(world: World) -> None:
    left, ended = begun(world, environments={"deploy": "production"}), begun(world)
    runs.end(world.hub, ended, "success")
    world.lab(f"/_lab/hold?repository=leo/shop&run_id={left}&job=deploy")
    world.allowed("contents:write").post("/dispatches", {"event_type": "codeb-release"})
    again = Hub(world.hub.folder)
    runs.cancel_left(again)
    found = {run: runs.of(again, "leo/shop", str(run)) for run in (left, ended)}
    assert [found[run]["conclusion"] for run in (left, ended)] == ["cancelled", "success"]
    assert found[left]["waiting"] == again.dispatches("leo/shop") == []
    assert again.state["tokens"] == {}


def test_calls_fail_by_a_switch_as_often_as_it_says(world: World) -> None:
    github = world.allowed("issues:write")
    world.hub.add_fault(Fault(502, "GET", "/issues", count=2))
    assert list(github.pages("/issues")) == [], "reads are tried again"
    world.lab("/_lab/fault", {"status": 500, "method": "POST", "path": "/issues"})
    with pytest.raises(CiError, match="500"):
        github.post("/issues", {"title": "t"})
    assert github.post("/issues", {"title": "t"})["number"] == 1
