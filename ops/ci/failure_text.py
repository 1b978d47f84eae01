"""What the issue of a failure says: a mark that only we read, what happened how often, the analysis, passages of the log."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Final

from ops.ci import markdown
from ops.ci.failed_run import Run
from ops.ci.passages import Passage
from ops.ci.verdict import Verdict

LARGEST_BODY: Final = 65_536
"""GitHub's limit, which we count in bytes."""
_LONGEST_TITLE: Final = 200
_MARK: Final = re.compile(r"\A<!-- codeb:build-failure (\{[^\n<>]{1,500}\}) -->\n")
_BEGIN, _END = "<!-- codeb:analysis -->", "<!-- /codeb:analysis -->"
_ANALYSIS: Final = re.compile(rf"^{_BEGIN}\n(.{{1,20000}}?)\n{_END}$", re.DOTALL | re.MULTILINE)
_HEX: Final = re.compile(r"[0-9a-f]{16}")
_NOTE: Final = (
    "Cause and steps are what a language model reads in these lines. They may be wrong; secrets are masked."
)


@dataclass(frozen=True)
class Seen:
    """How often a failure was seen, in which runs; kept in the issue itself."""

    fingerprint: str
    count: int
    first: int
    last: int
    attempt: int

    def again(self, run: Run) -> Seen:
        """With a run more; an attempt that is counted already is not counted again."""
        known = (run.number, run.attempt) == (self.last, self.attempt)
        return Seen(self.fingerprint, self.count + (not known), self.first, run.number, run.attempt)


@dataclass(frozen=True)
class Failure:
    """A distinct failure of a run. Names are redacted; `verdict` is None where `why_not` says why nobody analysed it."""

    fingerprint: str
    run: Run
    jobs: tuple[str, ...]
    step: str
    passage: Passage
    missing: str = ""
    verdict: Verdict | None = None
    why_not: str = ""
    model: str = ""

    @property
    def title(self) -> str:
        """The issue's title."""
        what = self.verdict.title if self.verdict else f"{self.jobs[0]}: {self.step or 'no step'} failed"
        return markdown.title(f"{self.run.name or 'workflow'}: {what}", _LONGEST_TITLE)


def seen_in(body: str) -> Seen | None:
    """What an issue's body remembers; None where it isn't one of ours."""
    found = _MARK.match(body.replace("\r\n", "\n"))
    try:
        kept = json.loads(found[1]) if found else None
    except ValueError:
        return None
    if not isinstance(kept, dict) or not _HEX.fullmatch(str(kept.get("fingerprint", ""))):
        return None
    numbers = [kept.get(name) for name in ("count", "first", "last", "attempt")]
    if not all(type(number) is int and 0 <= number < 1 << 62 for number in numbers):
        return None
    return Seen(kept["fingerprint"], *(int(number or 0) for number in numbers))


def analysis_in(body: str) -> str:
    """The analysis that an issue has already, "" for none."""
    found = _ANALYSIS.search(body.replace("\r\n", "\n"))
    return found[1] if found else ""


def body(failure: Failure, seen: Seen, runs_url: str, before: int = 0, kept: str = "") -> str:
    """The issue's body. `runs_url` + a number is a run's page; `before` an issue that was closed; `kept` an analysis."""
    analysis = _analysis(failure, kept)
    head = "\n".join(
        (
            f"<!-- codeb:build-failure {json.dumps(asdict(seen), sort_keys=True)} -->",
            *_happened(failure, seen, runs_url, before),
            "",
            *((_BEGIN, analysis, _END, "") if analysis else ()),
            *(
                (f"Not analysed this time: {markdown.words(failure.why_not, 400)}", "")
                if failure.why_not
                else ()
            ),
            "### From the log",
            "",
        )
    )
    foot = f"\n\n{_NOTE}\n" if analysis else "\n"
    return f"{head}{_log(failure, LARGEST_BODY - len(head.encode()) - len(foot.encode()))}{foot}"


def _happened(failure: Failure, seen: Seen, runs_url: str, before: int) -> list[str]:
    run = failure.run
    jobs = ", ".join(markdown.code(job) for job in failure.jobs[:5])
    times = "once" if seen.count == 1 else f"{seen.count} times"
    return [
        f"Step {markdown.code(failure.step)} of {jobs} failed in workflow {markdown.code(run.name)}.",
        "",
        f"- Seen {times}: first in [run {seen.first}]({runs_url}{seen.first}), "
        f"last in [run {seen.last}]({runs_url}{seen.last})"
        f" (attempt {seen.attempt})",
        f"- Last on branch {markdown.code(run.branch)}, commit {run.commit or '-'}, event {markdown.code(run.event)}",
        *([f"- Seen before, and closed: #{before}"] if before else []),
    ]


def _analysis(failure: Failure, kept: str) -> str:
    verdict = failure.verdict
    if verdict is None:
        return kept
    said = [
        "### Cause",
        "",
        markdown.words(verdict.cause, 2_000),
        "",
        f"Category {verdict.category}, confidence {verdict.confidence}, by {markdown.code(failure.model)}.",
        "",
        "### Evidence",
        "",
        markdown.block(verdict.evidence)
        if verdict.evidence
        else "None: no line that it quoted is in the log.",
    ]
    if verdict.steps:
        steps = [f"{number}. {markdown.words(step, 500)}" for number, step in enumerate(verdict.steps, 1)]
        said += ["", "### What to try", "", *steps]
    return "\n".join(said)


def _log(failure: Failure, room: int) -> str:
    if failure.missing:
        return f"There is none: {markdown.words(failure.missing, 400)}"
    kept = failure.passage.text.split("\n")
    text = markdown.block(kept)
    while len(text.encode()) > room and kept:
        kept = kept[: len(kept) * 9 // 10]
        text = markdown.block([*kept, "… the rest is left out"])
    return text
