"""What is secret on a host reaches its collector's file: all of it, exactly, in time, and nowhere else."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agent.bundle.apply import apply
from agent.documents.reader import Reader
from agent.host import commands, paths
from agent.host.ports import Result
from agent.known import patterns, tell, values
from agent.known.patterns import Known, chosen, from_bytes, pattern, to_bytes
from agent.monitoring.metrics import metrics
from agent.removal.remove import remove
from codeb.render.watched.collecting import BLOCKED
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.fakes.systemd import Container
from tests.unit.agent.verbs import V1, V2, call, fails, new_host, run

DERIVED = "XGLH0jwa9R7gRVNUL792nq2oY80E47sKSWB6WSzf"
STRIPE = "sk_live_4eC39HqLyjWDarjtT1"
RELOAD = commands.reload(paths.COLLECTOR_SERVICE)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
HOSTILE = [
    r".*+?()[]{}|^$\d", "$100$", "${env:HOME}", "$${env:HOME}", "${file:/etc/shadow}", "'quoted' \"twice\"",
    "- [a, b]: {c}", "# no comment", "null", "123456", "0x10ff", "true",
    "pässwörd☃", "\U0001f600" * 6, "nul\0inside", "\\x{41}", "%{x}", "a\\nb",
]  # fmt: skip


@pytest.fixture
def host() -> FakeHost:
    """One whose collector runs."""
    found = new_host()
    found.put(paths.COLLECTOR, "receivers: {}\n")
    found.folders.add(paths.TEXTFILES)
    found.systemd.running[paths.COLLECTOR_SERVICE] = Container("collector:1", "", found.time)
    return found


def released(host: FakeHost, image: str = V1, **variables: str) -> None:
    """A release in which all of these variables are secret, and `STAGE` is not."""
    run(host, image, environment={"STAGE": "staging", **variables}, secret=sorted(variables))


def a_minute_later(host: FakeHost) -> None:
    metrics(host.ports(), Reader({}, ""), "timer")


def meant(found: str) -> str:
    """What an expression of ours matches."""
    return re.sub(r"\\x\{([0-9a-f]+)\}", lambda code: chr(int(code[1], 16)), found)


def masked(host: FakeHost) -> set[str]:
    """The texts that the collector masks, as it reads them."""
    read = yaml.safe_load(host.tell(paths.KNOWN) or "[]")
    return {meant(each) for each in read}


@given(TEXT)
def test_an_expression_has_no_character_that_anything_gives_a_meaning_to(text: str) -> None:
    assert re.fullmatch(r"([0-9A-Za-z]|\\x\{[0-9a-f]+\})+", pattern(text))
    assert meant(pattern(text)) == text


@given(st.sets(TEXT), st.integers(0, 5))
def test_the_file_reads_back_as_it_was_for_the_agent_and_for_yaml(texts: set[str], left_out: int) -> None:
    known = Known(frozenset(map(pattern, texts)), left_out)
    content = to_bytes(known)
    assert from_bytes(content) == known
    assert {*yaml.safe_load(content)} == known.patterns
    assert b"$" not in content


@pytest.mark.parametrize("content", ["", "[]\n", "- 1\n", "\0", '# else\n- "a"\n'])
def test_a_file_of_another_hand_says_nothing(content: str) -> None:
    assert from_bytes(content.encode()) == Known()


def test_what_no_form_masks_has_room_first_and_who_had_none_is_counted() -> None:
    first = [f"first-{number:04}" for number in range(patterns.MOST + 3)]
    known = chosen(first, [], [DERIVED])
    assert (len(known.patterns), known.left_out) == (patterns.MOST, 3)
    assert pattern(DERIVED) not in known.patterns
    known = chosen(first[:2], [pattern("kept-before")], [f"then-{number:04}" for number in range(2000)])
    assert {*map(pattern, first[:2]), pattern("kept-before")} < known.patterns
    assert (len(known.patterns), known.left_out) == (patterns.MOST, 0)


def test_few_long_secrets_fill_the_collectors_memory_as_well() -> None:
    known = chosen([letter * (patterns.ROOM // 2) for letter in "$bc"], [], [])
    assert (len(known.patterns), known.left_out) == (2, 1), "a character counts once, however it is written"


def test_values_lines_and_passwords_of_urls_are_masked_but_nothing_short_or_open() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqG\nSM49\n-----END PRIVATE KEY-----\n"
    found = values.of(
        [
            pem,
            "short",
            "postgresql://shop:p%40ssw0rd-x@db/shop",
            "staging",
            f"redis://:{DERIVED}@cache/1",
            *HOSTILE,
        ],
        ["the staging area", "https://u:p%40ssw0rd-x@open.example.com"],
    )
    long_enough = {each for each in HOSTILE if len(each) >= 6}
    assert {"MIGHAgEAMBMGByqGSM49AgEGCCqG", "p%40ssw0rd-x", "p@ssw0rd-x", *long_enough} == found.first
    assert {"postgresql://shop:p%40ssw0rd-x@db/shop", f"redis://:{DERIVED}@cache/1", DERIVED} < found.then
    assert json.dumps("'quoted' \"twice\"")[1:-1] in found.then, "as a line of JSON has it"
    assert not {"short", "SM49", "staging", "true", "null"} & (found.first | found.then)


def test_what_is_left_to_the_forms_is_masked_by_them() -> None:
    """They are the collector's, and RE2's; of these two Python's `re` says the same."""
    for value in (DERIVED, f"postgresql://shop:{DERIVED}@db/shop"):
        found = values.of([value])
        assert not found.first
        for form in BLOCKED:
            value = re.sub(form, "****", value)
        assert DERIVED not in value


def test_the_platforms_files_tell_passwords_and_addresses_of_webhooks_and_no_names(host: FakeHost) -> None:
    login = b64encode(b"robot:registry-password").decode()
    sentry = {"url": "https://sentry.example.com", "organization": "acme-inc", "token": "sentry-token-1"}
    hooks = [{"kind": "slack", "url": "https://hooks.example.com/T0/B0/x"}]
    files: dict[str, Any] = {
        "notify.json": {"version": 1, "stack": "production", "webhooks": hooks, "sentry": sentry},
        "registries.json": {"auths": {"registry.example.com": {"auth": login}}},
        "backup.json": {
            "stores": [{"bucket": "backup", "access_key": "codeb_backup", "secret_key": "second/secret+key"}]
        },
        "redis-metrics": {"redis://codeb_metrics@127.0.0.1:6379": "redis-metrics-password"},
        "backup.pgpass": "*:*:*:postgres:pgpass-password\n",
        "redis-0.acl": "user default on #d03a05d0459a81ce5e5f9207a93aff6daf8db56dbf6f3f4d30e9334accb615a3 ~* &* +@all\n",
        "grafana-admin": "grafana-password",
        "broken.json": "{broken-password",
    }
    for name, content in files.items():
        host.put(
            f"/etc/codeb/secrets/{name}", content if isinstance(content, str) else json.dumps(content), 0o600
        )
    assert values.of_platform(host.ports()).first == {
        "https://hooks.example.com/T0/B0/x", "sentry-token-1", login, "registry-password", "second/secret+key",
        "redis-metrics-password", "pgpass-password", "grafana-password", "{broken-password",
    }  # fmt: skip


def test_a_release_tells_the_collector_before_its_container_starts(host: FakeHost) -> None:
    released(host, STRIPE_KEY=STRIPE)
    assert STRIPE in masked(host)
    entry = host.files[paths.KNOWN]
    assert (entry.mode, entry.owner) == (0o600, "root:root")
    assert host.calls.index(RELOAD) < host.calls.index(commands.start("codeb-shop-app-blue.service"))


def test_a_collector_that_knows_all_is_not_reloaded(host: FakeHost) -> None:
    released(host, STRIPE_KEY=STRIPE)
    a_minute_later(host)
    host.calls.clear()
    released(host, V2, STRIPE_KEY=STRIPE)
    a_minute_later(host)
    assert RELOAD not in host.calls


def test_what_the_forms_mask_waits_for_the_next_minute(host: FakeHost) -> None:
    released(host, DB_PASSWORD=DERIVED)
    assert RELOAD not in host.calls
    a_minute_later(host)
    assert DERIVED in masked(host)
    assert host.calls.count(RELOAD) == 1


def test_both_colours_secrets_are_masked_and_those_of_neither_no_more(host: FakeHost) -> None:
    for image, value in ((V1, "first-secret"), (V2, "second-secret"), (V1, "third-secret")):
        released(host, image, KEY=value)
    assert {"first-secret", "second-secret", "third-secret"} <= masked(host)
    a_minute_later(host)
    assert {"second-secret", "third-secret"} <= masked(host)
    assert "first-secret" not in masked(host)


def test_while_a_release_is_under_way_nothing_is_taken_away(host: FakeHost) -> None:
    released(host, KEY="first-secret")
    host.put(paths.undo("other"), "{}")
    tell.add(host.ports(), values.of(["secret-of-other"]))
    a_minute_later(host)
    assert {"first-secret", "secret-of-other"} <= masked(host)
    del host.files[paths.undo("other")]
    a_minute_later(host)
    assert "secret-of-other" not in masked(host)


def test_of_a_project_whose_record_is_lost_nothing_is_taken_away(host: FakeHost) -> None:
    released(host, KEY="first-secret")
    host.put(paths.record("shop-app"), "{")
    a_minute_later(host)
    assert "first-secret" in masked(host)


def test_a_project_that_is_removed_leaves_no_secret_in_the_file(host: FakeHost) -> None:
    released(host, KEY="first-secret")
    remove(host.ports(), Reader({"project": "shop-app"}, ""), "tester")
    a_minute_later(host)
    assert masked(host) == set()


def bundle(host: FakeHost, *files: dict[str, str]) -> None:
    apply(
        host.ports(),
        Reader({"version": 1, "packages": [], "directories": [], "files": [*files], "services": []}, ""),
        "me",
    )


def test_apply_tells_the_platforms_secrets_and_takes_the_file_away_with_the_collector() -> None:
    host = new_host()
    password = {
        "path": "/etc/codeb/secrets/grafana-admin",
        "content": "grafana-password",
        "mode": "0600",
        "owner": "root:root",
    }
    config = {"path": paths.COLLECTOR, "content": "{}\n", "mode": "0644", "owner": "root:root"}
    bundle(host, password)
    assert paths.KNOWN not in host.files, "there is nobody to read it"
    bundle(host, password, config)
    assert masked(host) == {"grafana-password"}
    bundle(host, password)
    assert paths.KNOWN not in host.files


def test_a_collector_that_is_new_knows_what_projects_had_before_it() -> None:
    host = new_host()
    released(host, STRIPE_KEY=STRIPE)
    bundle(host, {"path": paths.COLLECTOR, "content": "{}\n", "mode": "0644", "owner": "root:root"})
    assert STRIPE in masked(host), "it reads the journal from its beginning"


def test_a_host_without_a_collector_has_no_file_and_nobody_is_told() -> None:
    host = new_host()
    released(host, STRIPE_KEY=STRIPE)
    a_minute_later(host)
    assert paths.KNOWN not in host.files
    assert RELOAD not in host.calls


def test_a_collector_that_takes_no_signal_is_started_anew_and_the_release_goes_on(host: FakeHost) -> None:
    host.answers[" ".join(RELOAD)] = Result(1, err="no such container")
    released(host, STRIPE_KEY=STRIPE)
    assert commands.restart_soon(paths.COLLECTOR_SERVICE) in host.calls


def test_a_collector_that_does_not_run_reads_the_file_when_it_starts(host: FakeHost) -> None:
    del host.systemd.running[paths.COLLECTOR_SERVICE]
    released(host, STRIPE_KEY=STRIPE)
    assert STRIPE in masked(host)
    assert RELOAD not in host.calls


def test_somebody_else_at_work_delays_it_and_fails_nothing(host: FakeHost) -> None:
    host.held.add(paths.KNOWN_LOCK)
    released(host, STRIPE_KEY=STRIPE)
    assert any("within a minute" in line for line in host.journal)
    host.held.clear()
    a_minute_later(host)
    assert STRIPE in masked(host)


def test_no_secret_is_in_a_command_a_journal_line_or_an_answer(host: FakeHost) -> None:
    host.answers[" ".join(RELOAD)] = Result(1, err="no such container")
    released(host, KEY=STRIPE)
    host.podman.registry[V2] = App(crashes=True)
    failure = fails(host, V2, environment={"KEY": "another-secret"}, secret=["KEY"])
    a_minute_later(host)
    told = json.dumps([host.calls, host.journal, str(failure), failure.failure.answer()])
    assert STRIPE not in told
    assert "another-secret" not in told


def test_where_there_is_no_room_left_releases_take_it_from_nobody(host: FakeHost) -> None:
    full = Known(frozenset({pattern("secret-of-another-project")}), 12)
    host.put(paths.KNOWN, to_bytes(full).decode(), 0o600)
    released(host, STRIPE_KEY=STRIPE)
    assert from_bytes(host.files[paths.KNOWN].content) == full
    a_minute_later(host)
    assert STRIPE in masked(host)


def test_longer_secrets_come_before_those_that_they_contain() -> None:
    found = yaml.safe_load(to_bytes(chosen(["hunter22", "hunter22-$$$", "hunter22-x"], [], [])))
    assert [meant(each) for each in found] == ["hunter22-$$$", "hunter22-x", "hunter22"]


def test_doctor_says_how_many_secrets_have_no_room(host: FakeHost) -> None:
    before = call(host.ports(), "doctor")[1]["problems"]
    host.put(paths.KNOWN, to_bytes(Known(frozenset(), 12)).decode(), 0o600)
    more = [each for each in call(host.ports(), "doctor")[1]["problems"] if each not in before]
    assert [each["what"].split(" are ")[0] for each in more] == ["12 secrets of this server"]
