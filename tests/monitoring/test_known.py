"""What the agent knows to be secret is masked by the real collector: exactly that, and from the release on."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.host import paths
from agent.known.patterns import MOST, chosen, to_bytes
from lab.receiver import Receiver, receiving
from tests.monitoring.journal import Collecting, Host, booted
from tests.monitoring.processes import answers, collector, eventually, post, stored, victorialogs
from tests.monitoring.test_rendered import app, collecting, write
from tests.plugins.processes import end
from tests.ports import free_port
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.verbs import V1, V2, new_host, run

MASK = "****"
OWN = '{project="shop-app"}'
HOSTILE = [
    r".*+?()[]{}|^$\d", "$100$", "${env:HOME}", "$${env:HOME}", "$$$", "${file:/etc/passwd}", "'quoted' \"twice\"",
    "- [a, b]: {c}", "# no comment", "null", "123456", "true", "~", "pässwörd☃", "\U0001f600" * 6, "nul\0inside",
    "line\nbreak", "\ttab\r", "\\x{41}", "%{x}", r"a\nb", "(?i)abc", r"\Qabc\E", "\u2028\ufeff\u0301", "@{secret:x}",
]  # fmt: skip
CONFIG = """
extensions: {{health_check: {{endpoint: "127.0.0.1:{health}"}}}}
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{otlp}"}}}}}}}}
processors: {{redaction/known: {{allow_all_keys: true, blocked_values: "${{file:{known}}}"}}}}
exporters: {{otlp_http: {{logs_endpoint: "{url}/v1/logs", encoding: json, compression: none}}}}
service:
  extensions: [health_check]
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{logs: {{receivers: [otlp], processors: [redaction/known], exporters: [otlp_http]}}}}
"""


def drawn(count: int) -> list[str]:
    """Texts of all that there is, more often of what has a meaning to somebody; always the same ones."""
    chance = random.Random(17)  # noqa: S311 no secrets but of a test
    special = "$${}\\\"'#:-[]()|*+?.^%\n\t\0 abAB01"

    def letter() -> str:
        code = chance.choice((0x7F, 0x7FF, 0xD7FF, 0x10FFFF))
        anything = chr(chance.randrange(1, code))
        return chance.choice((chance.choice(special), anything if anything.isprintable() else "x"))

    return ["".join(letter() for _ in range(chance.randint(1, 40))) for _ in range(count)]


def bodies(receiver: Receiver) -> list[str]:
    return [
        record["body"]["stringValue"]
        for request in receiver.documents("/v1/logs")
        for resource in request["resourceLogs"]
        for scope in resource["scopeLogs"]
        for record in scope["logRecords"]
    ]


def sent(port: int, texts: list[str]) -> None:
    records = [{"body": {"stringValue": each}} for each in texts]
    post(f"http://127.0.0.1:{port}/v1/logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})


def test_each_secret_is_masked_as_it_is_and_nothing_that_is_almost_one(tmp_path: Path) -> None:
    """Each between letters of its own, so that none can be taken for another one's."""
    secrets = [f"〈{text}〉" for text in [*HOSTILE, *drawn(300)]]
    known = chosen(secrets, [], [])
    assert known.left_out == 0
    (tmp_path / "known.yaml").write_bytes(to_bytes(known))
    otlp, health = free_port(), free_port()
    close = [f"{each[:-1]}》" for each in secrets]
    with receiving() as receiver:
        config = tmp_path / "config.yaml"
        config.write_text(
            CONFIG.format(health=health, otlp=otlp, known=tmp_path / "known.yaml", url=receiver.url)
        )
        with collector(tmp_path, config, f"http://127.0.0.1:{health}/"):
            sent(otlp, [f"a{each}b" for each in secrets])
            sent(otlp, close)
            eventually("all", lambda: len(bodies(receiver)) >= len(secrets) * 2)
    found = bodies(receiver)
    assert [each for each in found if each != f"a{MASK}b"] == close
    assert len(found) == len(secrets) * 2


def test_of_secrets_that_begin_alike_the_longest_is_masked_and_the_collector_takes_as_many_as_there_is_room_for(
    tmp_path: Path,
) -> None:
    known = chosen([f"a-secret-with-the-number-{number}" for number in range(MOST * 2)], [], [])
    assert len(known.patterns) == MOST
    (tmp_path / "known.yaml").write_bytes(to_bytes(known))
    otlp, health = free_port(), free_port()
    with receiving() as receiver:
        config = tmp_path / "config.yaml"
        config.write_text(
            CONFIG.format(health=health, otlp=otlp, known=tmp_path / "known.yaml", url=receiver.url)
        )
        with collector(tmp_path, config, f"http://127.0.0.1:{health}/"):
            sent(otlp, ["told: a-secret-with-the-number-1000"])
            assert eventually("it", lambda: bodies(receiver)) == [f"told: {MASK}"]


@pytest.fixture
def watched() -> FakeHost:
    """The agent's host; what is on it is given to a real collector."""
    found = new_host()
    found.put(paths.COLLECTOR, "{}\n")
    return found


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with booted(tmp_path / "host") as found:
        yield found


def known(watched: FakeHost) -> bytes:
    return watched.files[paths.KNOWN].content


def test_secrets_of_a_release_arrive_masked_however_they_are_printed_and_those_of_the_next_one(
    tmp_path: Path, host: Host, watched: FakeHost
) -> None:
    first = {"SMTP_PASSWORD": 'p$1 "of" mail/é', "TOKENS": "line-of-many-1\nline-of-many-2"}
    run(watched, V1, environment={**first, "STAGE": "staging"}, secret=sorted(first))
    (tmp_path / "state").mkdir()
    (tmp_path / "audit.log").write_text("")
    (tmp_path / "known.yaml").write_bytes(known(watched))
    metrics = free_port()
    with victorialogs(tmp_path) as store:
        config = collecting(tmp_path, host, otlp=free_port(), metrics=metrics, store=store)
        running = Collecting(
            host, config, tmp_path / "collector.log", "--feature-gates=stanza.synchronousLogEmitter"
        )
        try:
            eventually("the collector", lambda: answers(f"http://127.0.0.1:{metrics}/metrics"))
            said: list[str] = [
                f"login with {first['SMTP_PASSWORD']} fails",
                json.dumps({"said": f"login with {first['SMTP_PASSWORD']} fails"}),
                "got line-of-many-2 of staging",
            ]
            write(host, *(app("shop-app", each) for each in said))
            eventually("its lines", lambda: len(stored(store, OWN)) == len(said))
            run(watched, V2, environment={"NEW_PASSWORD": "later$ecret"}, secret=["NEW_PASSWORD"])
            (tmp_path / "known.yaml").write_bytes(known(watched))
            running.reload()
            eventually("the collector", lambda: answers(f"http://127.0.0.1:{metrics}/metrics"))
            write(host, app("shop-app", "now with later$ecret"), app("shop-app", "and line-of-many-1"))
            eventually("all lines", lambda: len(stored(store, OWN)) == len(said) + 2)
            found: list[dict[str, Any]] = stored(store, OWN)
        finally:
            end(running.process)
    assert sorted(each["_msg"] for each in found) == sorted(
        [
            f"login with {MASK} fails",
            json.dumps({"said": f"login with {MASK} fails"}),
            f"got {MASK} of staging",
            f"now with {MASK}",
            f"and {MASK}",
        ]
    )
    assert "secret" not in (tmp_path / "collector.log").read_text()
