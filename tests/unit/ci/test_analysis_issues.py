"""`codeb ci analyse` as a workflow calls it: real HTTP to a GitHub and a Claude on loopback, and the issues it makes."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.delivery import anthropic, diagnosis
from lab.delivery.anthropic import Service, Trouble
from ops.ci.failure_text import LARGEST_BODY
from ops.cli import main
from tests.unit.ci.analysis_github import BOT, COMMIT, REPOSITORY, TOKEN, Hub, failed_job, hub
from tests.unit.ci.planted import planted

KEY = "key-of-the-stand-in"
LOGS = Path(__file__).parents[2] / "cases/ci/logs"
LABELS = ["build-failure", "ai-analyzed"]
Analyse = Callable[..., dict[str, Any]]


@pytest.fixture
def there() -> Iterator[Hub]:
    with hub() as found:
        yield found


@pytest.fixture
def claude() -> Service:
    return Service(KEY)


@pytest.fixture
def analyse(
    there: Hub,
    claude: Service,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Iterator[Analyse]:
    """Runs the command on a run that GitHub tells of: what it says as JSON, its exit status, standard error, the summary."""
    with anthropic.serving(claude) as url:
        summary = tmp_path / "summary"
        for name, value in {
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": "999",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_WORKFLOW": "ai-analysis",
            "GITHUB_EVENT_NAME": "workflow_run",
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": there.url,
            "GITHUB_SERVER_URL": "https://github.com",
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": url,
        }.items():
            monkeypatch.setenv(name, value)

        def run(number: int, *more: str) -> dict[str, Any]:
            (tmp_path / "event.json").write_text(
                json.dumps({"workflow_run": {"id": number}}), encoding="utf-8"
            )
            status = main(["ci", "analyse", "--json", "--retries", "0", *more])
            said = capsys.readouterr()
            assert KEY not in said.out + said.err
            assert TOKEN not in said.out + said.err
            text = summary.read_text(encoding="utf-8") if summary.exists() else ""
            return {**json.loads(said.out), "status": status, "stderr": said.err, "summary": text}

        yield run


def _log(name: str) -> str:
    return (LOGS / f"{name}.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("log", "step", "title", "cause"),
    [
        (
            "type-error",
            "Run npm run typecheck",
            "TS2322 in src/orders/tracking.ts",
            "not assignable to type 'Courier'",
        ),
        (
            "failing-migration",
            "Run codeb ci deploy",
            "Migration fails",
            'column "courier\\_id" of relation "deliveries"',
        ),
        (
            "out-of-memory",
            "Run npm run build",
            "Process killed: out of memory",
            "JavaScript heap out of memory",
        ),
    ],
)
def test_a_failed_run_becomes_one_issue_that_names_the_true_cause(
    there: Hub, analyse: Analyse, log: str, step: str, title: str, cause: str
) -> None:
    there.fails(7, _log(log), step=step)
    said = analyse(7)
    assert said["status"] == 0
    [issue] = there.issues
    assert issue["title"] == f"build-test: {title}"
    assert [label["name"] for label in issue["labels"]] == LABELS
    assert [label["name"] for label in there.labels] == LABELS
    body = issue["body"]
    assert cause in body.partition("### Cause")[2].partition("### Evidence")[0]
    assert "[run 7](https://github.com/leo/shop/actions/runs/7)" in body
    assert f"Last on branch `main`, commit {COMMIT}" in body
    assert f"Step `{step}` of `build` failed in workflow `build-test`." in body
    assert said["issues"][0]["url"] == "https://github.com/leo/shop/issues/1"
    assert title.split()[-1] in said["summary"]


def test_the_second_failure_of_the_same_kind_updates_the_issue(there: Hub, analyse: Analyse) -> None:
    there.fails(7, _log("type-error"))
    there.fails(
        8, _log("type-error").replace("T18:", "T19:").replace("(41,9)", "(44,2)"), head_branch="feature/x"
    )
    analyse(7)
    assert analyse(8)["issues"][0] | {"fingerprint": ""} == {
        "number": 1,
        "url": "https://github.com/leo/shop/issues/1",
        "made": False,
        "count": 2,
        "fingerprint": "",
        "analysed": True,
    }
    [issue] = there.issues
    assert "Seen 2 times: first in [run 7]" in issue["body"]
    assert "last in [run 8](https://github.com/leo/shop/actions/runs/8)" in issue["body"]
    assert "Last on branch `feature/x`" in issue["body"]
    analyse(8)
    assert "Seen 2 times" in there.issues[0]["body"], "the same attempt was counted twice"


def test_two_different_failures_make_two_issues_and_jobs_that_fail_alike_one(
    there: Hub, analyse: Analyse
) -> None:
    there.fails(7, _log("type-error"), job="check (20)")
    there.jobs[7] += [failed_job(71, "check (22)"), failed_job(72, "build", "Run npm run build")]
    there.logs |= {71: _log("type-error").encode(), 72: _log("out-of-memory").encode()}
    analyse(7)
    assert [issue["title"].split(": ", 1)[1] for issue in there.issues] == [
        "TS2322 in src/orders/tracking.ts",
        "Process killed: out of memory",
    ]
    assert "of `check (20)`, `check (22)` failed" in there.issues[0]["body"]


def test_a_failure_that_comes_back_after_its_issue_was_closed_gets_a_new_one_that_names_the_old(
    there: Hub, analyse: Analyse
) -> None:
    there.fails(7, _log("type-error"))
    analyse(7)
    there.issues[0]["state"] = "closed"
    before = dict(there.issues[0])
    analyse(7)
    assert there.issues[0] == before
    assert "Seen before, and closed: #1" in there.issues[1]["body"]
    assert "Seen once" in there.issues[1]["body"]


def test_an_issue_of_a_person_with_our_mark_is_left_alone(there: Hub, analyse: Analyse) -> None:
    there.fails(7, _log("type-error"))
    analyse(7)
    planted_body = there.issues.pop()["body"]
    for user in ("mallory", "github-actions", "dependabot[bot]"):
        there.issue(user, title="mine", body=planted_body, labels=LABELS)
    there.issue(BOT, title="a report of a visitor", body=f"They say:\n{planted_body}", labels=LABELS)
    before = json.dumps(there.issues)
    analyse(7)
    assert json.dumps(there.issues[:4]) == before
    assert there.issues[4]["title"] == "build-test: TS2322 in src/orders/tracking.ts"


def _hostile() -> tuple[str, list[str]]:
    forms = {
        "@STRIPE@": "Stripe", "@GITHUB@": "GitHub personal", "@JWT@": "JSON web token", "@AWS@": "AWS id",
        "@PEM@": "PEM", "@RANDOM@": "random",
    }  # fmt: skip
    log, secrets = _log("hostile"), []
    for seed, (place, form) in enumerate(forms.items()):
        found = planted(form, seed)
        secrets.append(found.secret)
        log = log.replace(place, found.text.replace("\n", "\n2026-11-27T18:00:09.0000000Z "))
    anthropic_key = planted("Anthropic", 9)
    middle = len(anthropic_key.text) // 2
    log = log.replace(
        "@ANTH\x1b[1mROPIC@", f"{anthropic_key.text[:middle]}\x1b[1m{anthropic_key.text[middle:]}"
    )
    password = "".join(random.Random(5).choices("abcdefgh23456789", k=14))  # noqa: S311
    log = log.replace("@PASSWORD@", password).replace("@SLACK@", "T00000000/B00000000/" + password[::-1])
    assert not re.search(r"@[A-Z]+@", log)
    return log, [*secrets, anthropic_key.secret, password, password[::-1], KEY, TOKEN]


@pytest.mark.parametrize("behaviour", ["well", "follow", "leak", "huge", "wrong-form", "tool", "garbage"])
def test_a_planted_instruction_is_not_followed_and_no_planted_secret_leaks_whatever_the_model_answers(
    there: Hub, claude: Service, analyse: Analyse, behaviour: str
) -> None:
    log, secrets = _hostile()
    there.issue("leo", title="of a person", body="stays", labels=LABELS)
    before = json.dumps(there.issues[0])
    there.fails(
        7, f"{log}\n2026-11-27T18:00:09.0000000Z key {KEY}", branch="@everyone", step="x `y` @leo <!-- z"
    )
    claude.behaviour = behaviour
    said = analyse(7)
    assert said["status"] == 0
    told = there.written() + json.dumps(claude.requests, ensure_ascii=False) + json.dumps(said)
    for secret in [*secrets, diagnosis.BAD_TOKEN]:
        assert secret not in told
        assert secret[4:20] not in told
    assert {method for method, _ in there.calls} == {"POST"}
    assert [path for _, path in there.calls] == ["/labels", "/labels", "/issues"]
    assert json.dumps(there.issues[0]) == before
    [issue] = there.issues[1:]
    assert len(issue["body"].encode()) <= LARGEST_BODY
    assert len(issue["title"]) <= 200
    _shows_no_markup_of_others(issue["body"])
    assert "IGNORE ALL PREVIOUS INSTRUCTIONS" in claude.requests[0]["messages"][0]["content"]
    assert "::set-output" not in "".join(re.findall("(?m)^::.*", said["stderr"]))


def _shows_no_markup_of_others(body: str) -> None:
    """Outside of code there is no mention, reference, link, picture or HTML but our own."""
    prose = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", body)
    prose = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", prose)
    ours = re.compile(
        r"\[run \d+\]\(https://github\.com/leo/shop/actions/runs/\d+\)|<!-- /?codeb:analysis -->"
        r"|\A<!-- codeb:build-failure \{[^<>]*\} -->"
    )
    prose = ours.sub("", prose)
    for forbidden in (r"@\w", r"#\d", r"://\w", r"<", r"(?<!\\)\[", r"www\.", r"(?<!\\)`"):
        assert not re.search(forbidden, prose), (forbidden, prose)


def test_quotes_that_are_not_in_the_log_are_dropped(there: Hub, claude: Service, analyse: Analyse) -> None:
    there.fails(7, _log("hostile"))
    claude.behaviour = "follow"
    analyse(7)
    body = there.issues[0]["body"]
    evidence = body.partition("### Evidence")[2].partition("### What to try")[0]
    assert "all issues closed" not in evidence
    assert "Category other, confidence low" in body


def test_without_a_key_it_says_so_and_asks_nobody(
    there: Hub, claude: Service, analyse: Analyse, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.fails(7, _log("type-error"))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "")
    said = analyse(7)
    assert (said["status"], said["why"]) == (0, "ANTHROPIC_API_KEY is not set: nothing is analysed")
    assert there.issues == claude.requests == []


def test_without_an_answer_the_issue_has_the_passages_and_keeps_the_analysis_of_before(
    there: Hub, claude: Service, analyse: Analyse
) -> None:
    there.fails(7, _log("type-error"))
    there.fails(8, _log("type-error"))
    claude.troubles = [Trouble(529)]
    said = analyse(7)
    assert said["status"] == 0
    [warning] = said["warnings"]
    assert warning.startswith("issue #1: not analysed: the API answered 529")
    assert "Not analysed this time: the API answered 529" in there.issues[0]["body"]
    assert "error TS2322" in there.issues[0]["body"]
    assert there.issues[0]["title"] == "build-test: build: Run npm run typecheck failed"
    analyse(8)
    analysed = there.issues[0]["body"].partition("### Cause")[2].partition("### From the log")[0]
    claude.troubles = [Trouble(500)]
    there.fails(9, _log("type-error"))
    analyse(9)
    body = there.issues[0]["body"]
    assert analysed.partition("<!--")[0] in body
    assert "Not analysed this time: the API answered 500" in body
    assert "Seen 3 times" in body
    assert there.issues[0]["title"] == "build-test: TS2322 in src/orders/tracking.ts"


def test_a_log_that_is_gone_still_makes_an_issue(there: Hub, claude: Service, analyse: Analyse) -> None:
    there.fails(7, "")
    there.logs[70] = None
    said = analyse(7)
    assert said["status"] == 0
    assert "There is none: GitHub answered 410" in there.issues[0]["body"]
    assert claude.requests == []


@pytest.mark.parametrize(
    "run",
    [
        {"path": ".github/workflows/ai-analysis.yml"},
        {"path": ".github/workflows/ai-analysis.yaml@refs/heads/main", "name": "whatever"},
        {"path": "", "name": "ai-analysis"},
    ],
)
def test_an_analysis_that_failed_is_never_analysed(
    there: Hub, claude: Service, analyse: Analyse, run: dict[str, str]
) -> None:
    there.fails(7, _log("type-error"), **run)
    assert "an analysis itself" in analyse(7)["why"]
    assert there.issues == claude.requests == []


@pytest.mark.parametrize("conclusion", ["success", "cancelled", "skipped", None])
def test_a_run_that_did_not_fail_is_not_analysed(
    there: Hub, analyse: Analyse, conclusion: str | None
) -> None:
    there.fails(7, _log("type-error"), conclusion=conclusion)
    assert "did not fail" in analyse(7)["why"]
    assert there.issues == []


def test_a_run_that_is_not_there_is_an_error(analyse: Analyse) -> None:
    said = analyse(12345)
    assert said["status"] == 1
    assert "GitHub answered 404" in said["problem"]


def test_a_run_can_be_named(there: Hub, analyse: Analyse) -> None:
    there.fails(8, _log("type-error"))
    assert analyse(7, "--run", "8")["run"] == 8


def test_what_the_model_is_sent_keeps_to_the_budget(there: Hub, claude: Service, analyse: Analyse) -> None:
    there.fails(7, "\n".join(f"error: number {number} " + "x" * 200 for number in range(5000)))
    analyse(7, "--budget", "3000", "--max-tokens", "700", "--model", "claude-haiku-4-5")
    sent = claude.requests[0]
    assert len(sent["messages"][0]["content"]) < 3400
    assert (sent["max_tokens"], sent["model"]) == (700, "claude-haiku-4-5")


@pytest.mark.parametrize(
    "wrong", [["--run", "0"], ["--run", "x"], ["--budget", "10"], ["--model", "a b"], ["--retries", "99"]]
)
def test_wrong_arguments_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["ci", "analyse", *wrong])
    assert ended.value.code == 2
