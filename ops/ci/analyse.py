"""From a failed run to one issue a distinct failure: logs → redacted → passages → a model → issue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ops.ci import failed_run, markdown
from ops.ci.context import CiError, Workflow
from ops.ci.failed_run import Job, Log, Run
from ops.ci.failure_issues import FailureIssues, Reported
from ops.ci.failure_text import Failure
from ops.ci.fingerprint import fingerprint
from ops.ci.github import GitHub
from ops.ci.lines import lines
from ops.ci.model import Asking, NotAnsweredError, Said
from ops.ci.passages import Passage, passage
from ops.ci.verdict import Verdict, judged
from ops.result import Result
from ops.words import clean, count

MOST_FAILURES: Final = 5
"""Of a run; each costs a question to the model."""
OWN_FILE: Final = "ai-analysis"

Redact = Callable[[str], str]
Ask = Callable[[Asking, Mapping[str, str], str], Said]


@dataclass(frozen=True)
class Wanted:
    """What to analyse and how: a run's number (0: the one of the event), characters of log, how to ask, whose issues."""

    run: int
    budget: int
    asking: Asking
    bot: str


def analyse(workflow: Workflow, github: GitHub, wanted: Wanted, ask: Ask, redact: Redact) -> Result:
    """Analyse a run's failures. Nothing to do, no key and no answer are no errors.

    Raises:
        CiError: GitHub can't be asked or says no, or nobody said which run.
    """
    if not wanted.asking.key:
        return _nothing("ANTHROPIC_API_KEY is not set: nothing is analysed")
    run = failed_run.read_run(github, wanted.run or _run_of(workflow))
    why = _not_for_us(run, workflow)
    if why:
        return _nothing(why)
    run = replace(run, name=redact(run.name), branch=redact(run.branch))
    found, more = _failures(github, run, wanted.budget, redact)
    if not found:
        return _nothing(f"run {run.number} has no failed job")
    issues = FailureIssues(github, f"{workflow.server_url}/{workflow.repository}", wanted.bot)
    done = []
    for failure in found:
        asked, tokens = _asked(failure, wanted.asking, ask, redact)
        done.append((asked, issues.report(asked), tokens))
    workflow.summary(_summary(done))
    return _result(run, done, more)


def _run_of(workflow: Workflow) -> int:
    found = workflow.event.get("workflow_run")
    number = found.get("id") if isinstance(found, Mapping) else None
    if not isinstance(number, int) or number <= 0:
        raise CiError("which run? The event has no workflow_run: give --run ID")
    return number


def _not_for_us(run: Run, workflow: Workflow) -> str:
    """Why a run is not analysed, "" where it is. An analysis that fails is never analysed, or it would go on for ever."""
    file = run.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if (
        run.number == workflow.run_id
        or file == OWN_FILE
        or run.name in (OWN_FILE, workflow.workflow or OWN_FILE)
    ):
        return f"run {run.number} is an analysis itself: not analysed"
    return "" if run.failed else f"run {run.number} did not fail: nothing to analyse"


def _failures(github: GitHub, run: Run, budget: int, redact: Redact) -> tuple[list[Failure], int]:
    """The distinct failures of a run, and how many there are beyond `MOST_FAILURES`."""
    found: dict[str, Failure] = {}
    for job, log in failed_run.logs(github, run, failed_run.failed_jobs(github, run)):
        failure = _failure(run, job, log, budget, redact)
        same = found.get(failure.fingerprint)
        found[failure.fingerprint] = replace(same, jobs=same.jobs + failure.jobs) if same else failure
    return list(found.values())[:MOST_FAILURES], max(0, len(found) - MOST_FAILURES)


def _failure(run: Run, job: Job, log: Log, budget: int, redact: Redact) -> Failure:
    shown = passage(redact("\n".join(lines(log.text))).split("\n"), budget) if log.text else Passage("")
    name, step = redact(job.name), redact(job.step)
    return Failure(
        fingerprint=fingerprint(run.path or run.name, name, step, shown.errors),
        run=run,
        jobs=(name,),
        step=step,
        passage=shown,
        missing=redact(log.missing),
    )


def _asked(failure: Failure, asking: Asking, ask: Ask, redact: Redact) -> tuple[Failure, str]:
    if failure.missing:
        return replace(failure, why_not="its log is missing"), ""
    facts = {"workflow": failure.run.name, "job": failure.jobs[0], "step": failure.step}
    try:
        said = ask(asking, facts, failure.passage.text)
        verdict: Verdict = judged(said.document, failure.passage, redact)
    except NotAnsweredError as error:
        return replace(failure, why_not=redact(str(error))), ""
    tokens = f"{said.input_tokens} tokens in, {said.output_tokens} out"
    return replace(failure, verdict=verdict, model=asking.model), tokens


_Done = list[tuple[Failure, Reported, str]]


def _nothing(why: str) -> Result:
    return Result({"ok": True, "issues": [], "why": why}, lines=(clean(why),))


def _result(run: Run, done: _Done, more: int) -> Result:
    warnings = [
        f"issue #{reported.number}: not analysed: {clean(failure.why_not)}"
        for failure, reported, _ in done
        if failure.why_not
    ]
    if more:
        warnings.append(
            f"{count(more, 'further failure')} of this run not analysed: {MOST_FAILURES} are a run's most"
        )
    document = {
        "ok": True,
        "run": run.number,
        "issues": [
            {
                "number": reported.number,
                "url": reported.url,
                "made": reported.made,
                "count": reported.count,
                "fingerprint": failure.fingerprint,
                "analysed": failure.verdict is not None,
            }
            for failure, reported, _ in done
        ],
        "warnings": warnings,
    }
    return Result(document, tuple(_lines(done)), tuple(f"warning: {warning}" for warning in warnings))


def _lines(done: _Done) -> Iterator[str]:
    """Our own words only: a runner takes lines of others for commands."""
    for _, reported, tokens in done:
        made = "made" if reported.made else f"updated, seen {count(reported.count, 'time')}"
        yield f"issue #{reported.number} {made}: {reported.url}" + (f" ({tokens})" if tokens else "")


def _summary(done: _Done) -> str:
    return "\n".join(
        f"- [#{reported.number}]({reported.url}) {markdown.words(failure.title, 300)}"
        + (f" (not analysed: {markdown.words(failure.why_not, 300)})" if failure.why_not else "")
        for failure, reported, _ in done
    )
