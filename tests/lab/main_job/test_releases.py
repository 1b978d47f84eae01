"""Releases through `up`: bad ones that nobody notices, rollbacks that hold, canaries, maintenance; who is told."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import demo
import pytest
from stack import ADDRESS, IMAGE, Stack, get, new_project, served_all_the_time

from codeb.names import OUTBOX_DIR
from lab import paths
from lab.host.processes import wait_until
from lab.load import Load, Shape, Target
from lab.receiver import BRIDGE, Receiver, Request, receiving

pytestmark = pytest.mark.lab

URL = "https://shop.lab.test/api/restaurants"


@pytest.fixture(scope="module")
def told(stack: Stack) -> Iterator[Receiver]:
    """What the stack's webhooks and Sentry are sent."""
    with receiving(BRIDGE) as receiver:
        stack.configure(
            notifications={"slack": f"{receiver.url}/slack/secret-path", "webhook": f"{receiver.url}/hook"},
            sentry={"url": receiver.url, "organization": "leo", "token": "sentry-token-of-the-tests"},
        )
        yield receiver
    stack.configure()
    assert stack.up().status == 0, "the host forgets the webhooks"


@pytest.fixture(scope="module")
def shop(stack: Stack, told: Receiver) -> Iterator[Stack]:
    """The stack with a project of its own, which is gone afterwards, data and all."""
    stack.write("shop", manifest())
    added = stack.up()
    assert added.status == 0, added.text
    yield stack
    stack.remove("shop")
    gone = stack.up()
    assert gone.status == 0, gone.text
    assert "shop_db" not in stack.databases()


def manifest(title: str = "first", **changes: Any) -> dict[str, Any]:
    """The shop's manifest; `changes` are whole sections or parts of them."""
    found = new_project("shop", DEMO_TITLE=title)
    found["project"]["lifecycle"] = "destroy"
    found["monitoring"]["sentry_project"] = "shop"
    for section, values in changes.items():
        found[section] = {**found.get(section, {}), **values}
    return found


def release(stack: Stack, title: str, **changes: Any) -> None:
    stack.write("shop", manifest(title, **changes))
    done = stack.up()
    assert done.status == 0, done.text
    assert serves() == title


def forget(told: Receiver, shop: Stack, seconds: float = 60) -> None:
    """Forget what was told once the host has nothing left to tell: messages arrive after the release ended."""
    end = time.monotonic() + seconds
    while waiting := shop.on_host("ls", "-A", OUTBOX_DIR).stdout:
        assert time.monotonic() < end, f"still on their way: {waiting.decode()}"
        time.sleep(0.2)
    told.requests.clear()


def serves() -> str:
    return str(get(URL).json()["title"])


def failing(**variables: str) -> dict[str, Any]:
    return {"environment": {"variables": {"DEMO_TITLE": "bad", **variables}}}


MISSING = IMAGE.replace("1.0.0", "none")
STRICT = {"health": {"interval": "500ms", "max_response": "500ms", "start_timeout": "8s"}}


@pytest.mark.parametrize(
    ("change", "phase", "words"),
    [
        (failing(DEMO_FAIL="crash"), "health", ["exit code"]),
        # The agent's own tests have these on a booted host each time.
        pytest.param(failing(DEMO_FAIL="unhealthy"), "health", ["answered 503"], marks=pytest.mark.slow),
        pytest.param(failing(DEMO_FAIL="slow"), "health", ["the limit is 500 ms"], marks=pytest.mark.slow),
        pytest.param(
            failing(DEMO_FAIL="wrong-port"),
            "health",
            ["not healthy", "environment.port"],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"environment": {"image": MISSING}}, "pull", [MISSING.partition("/")[2]], marks=pytest.mark.slow
        ),
        pytest.param(
            {"features": {"release_command": ["node", "-e", "console.log('no column'); process.exit(3)"]}},
            "job",
            ["exit code 3", "no column"],
            marks=pytest.mark.slow,
        ),
    ],
    ids=["crash", "never healthy", "slow", "wrong port", "missing image", "failing migration"],
)
def test_a_bad_release_fails_alone_with_phase_and_cause_and_the_next_good_one_works(
    shop: Stack, told: Receiver, change: dict[str, Any], phase: str, words: list[str]
) -> None:
    before = serves()
    forget(told, shop)
    shop.write("shop", manifest("bad", **{"monitoring": STRICT, **change}))
    with served_all_the_time("shop.lab.test", "blog.lab.test"):
        failed = shop.up()
    assert failed.status == 1
    for word in ("shop", f"failed in phase: {phase}", "put back:", "what to do:", *words):
        assert word in failed.text, failed.text[-3000:]
    assert failed.changes == {}, "nothing else changed"
    assert serves() == before
    assert shop.entry("shop")["status"] == "running"
    hook = [document for document in told_of(told, "/hook", 2) if document["event"] != "started"]
    assert [(each["event"], each["phase"]) for each in hook] == [("failed", phase)]
    text = told_of(told, "/slack/secret-path", 2)[-1]["text"]
    assert "shop" in text
    assert phase in text
    release(shop, f"after {phase} {words[0]}")


def told_of(told: Receiver, path: str, count: int, seconds: float = 30) -> list[Any]:
    """The messages at a path, once there are so many in all at both webhooks; alerts, which go there, too, aside."""

    def messages() -> list[Request]:
        return [each for each in told.requests if "Alertmanager" not in each.headers.get("user-agent", "")]

    assert wait_until(lambda: len(messages()) >= 2 * count, seconds), told.requests
    return [each.document for each in messages() if each.path == path]


def test_releases_and_a_rollback_under_load_fail_no_request_and_drop_no_socket(shop: Stack) -> None:
    release(shop, "under load")
    target = Target("shop.lab.test", ADDRESS, paths.CA_CERTIFICATE)
    with Load(target, Shape(rate=40, sockets=10, events=2, upload_seconds=6)) as load:
        release(shop, "under load, again")
        assert shop.codeb("rollback", "shop").returncode == 0
        assert serves() == "under load"
    assert load.result.failed == 0, load.result.failures
    assert load.result.drops() == []
    assert len(load.result.requests) > 200
    assert load.result.uploads


def test_a_release_command_runs_before_the_release_with_its_environment(shop: Stack) -> None:
    script = "console.log('migrating', process.env.DEMO_TITLE, Boolean(process.env.DATABASE_URL))"
    release(shop, "migrated", features={"release_command": ["node", "-e", script]})
    log = shop.on_host("journalctl", "-u", "codeb-shop-job.service", "-o", "cat", "--no-pager").stdout
    assert b"migrating migrated true" in log


def test_sentry_and_webhooks_are_told_of_a_success(shop: Stack, told: Receiver) -> None:
    forget(told, shop)
    release(shop, "told")
    assert [each["event"] for each in told_of(told, "/hook", 3)] == ["started", "succeeded"]
    sentry = [request for request in told.requests if request.path.startswith("/api/0/organizations/leo/")]
    assert sentry[0].headers["authorization"] == "Bearer sentry-token-of-the-tests"
    assert [request.document.get("projects") for request in sentry] == [["shop"], None]
    assert sentry[1].document["environment"] == "production"


def test_no_webhook_and_no_token_shows_on_the_host_or_in_the_state(shop: Stack, told: Receiver) -> None:
    secrets = (b"secret-path", b"sentry-token-of-the-tests")
    journal = shop.on_host("journalctl", "--no-pager", "-o", "cat").stdout
    units = shop.on_host("sh", "-c", "cat /etc/systemd/system/codeb-* /etc/containers/systemd/*").stdout
    outputs = json.dumps(shop.outputs()).encode()
    for text in (journal, units, outputs):
        assert not [secret for secret in secrets if secret in text]


def test_a_rollback_holds_says_why_and_is_taken_back(shop: Stack) -> None:
    release(shop, "one")
    release(shop, "two")
    back = shop.codeb("rollback", "shop")
    assert back.returncode == 0, back.stdout + back.stderr
    assert serves() == "one"
    held = shop.up()
    assert (held.status, held.changes) == (0, {}), held.text
    assert "shop" in held.text
    assert "rolled back" in held.text
    assert "--forward" in held.text
    assert serves() == "one"
    entry = shop.entry("shop")
    assert entry["release"]["why"].startswith("rolled back from r"), entry
    assert entry["status"] == "running"
    forward = shop.codeb("rollback", "shop", "--forward")
    assert forward.returncode == 0, forward.stdout + forward.stderr
    assert serves() == "two"
    assert shop.up().changes == {}
    assert shop.entry("shop")["release"]["why"].startswith("rolled forward")


@pytest.mark.slow
def test_a_changed_manifest_ends_a_rollback_and_the_preview_says_so(shop: Stack) -> None:
    release(shop, "three")
    release(shop, "four")
    assert shop.codeb("rollback", "shop").returncode == 0
    shop.write("shop", manifest("five"))
    assert "rollback" in shop.preview().text
    release(shop, "five")


@pytest.mark.slow
def test_a_manifest_set_back_resumes_the_standby(shop: Stack) -> None:
    release(shop, "six")
    first = shop.entry("shop")["container_id"]
    release(shop, "seven")
    release(shop, "six")
    assert shop.entry("shop")["container_id"] == first, "the container that stood by serves again"
    assert shop.entry("shop")["release"]["why"] == "released again"


def test_status_shows_what_serves_and_the_history(shop: Stack) -> None:
    release(shop, "eight")
    shown = shop.codeb("status", "shop")
    assert shown.returncode == 0, shown.stderr
    assert "released" in shown.stdout
    found = json.loads(shop.codeb("status", "shop", "--json").stdout)
    assert "shop" in json.dumps(found)


def test_maintenance_is_a_page_with_503_and_comes_and_goes_without_a_restart(shop: Stack) -> None:
    release(shop, "open")
    before = shop.entry("shop")["container_id"]
    shop.write("shop", manifest("open", features={"maintenance": {"message": "Back <soon> & well"}}))
    assert shop.up().status == 0
    closed = get(URL)
    assert (closed.status, closed.headers["retry-after"]) == (503, "300")
    assert b"Back &lt;soon&gt; &amp; well" in closed.body
    assert closed.headers["content-type"].startswith("text/html")
    assert get(f"https://blog.lab.test{demo.ALIVE}").status == 200
    release(shop, "open")
    assert shop.entry("shop")["container_id"] == before


@pytest.mark.slow
def test_a_canary_gives_the_new_release_its_share_and_then_all(shop: Stack) -> None:
    release(shop, "before the canary", features={"canary": [50, 100], "canary_wait": "4s"})
    seen: Counter[str] = Counter()
    done = threading.Event()

    def ask() -> None:
        while not done.wait(0.05):
            answer = get(URL)
            seen[answer.json()["title"] if answer.status == 200 else str(answer.status)] += 1

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        release(shop, "canary", features={"canary": [50, 100], "canary_wait": "4s"})
    finally:
        done.set()
        asking.join()
    assert set(seen) == {"before the canary", "canary"}, seen
    assert min(seen.values()) >= 10, seen
