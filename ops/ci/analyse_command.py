"""`codeb ci analyse`: its arguments and what runs it."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from typing import Final

from ops.ci import defaults
from ops.command import Command

_MODEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,99}")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run",
        dest="run_id",
        type=_number(1, 1 << 62),
        default=0,
        metavar="ID",
        help="the run (default: the event's)",
    )
    parser.add_argument(
        "--model", type=_model, default=defaults.MODEL, help="who analyses (default: %(default)s)"
    )
    parser.add_argument(
        "--budget",
        type=_number(defaults.SMALLEST_BUDGET, 200_000),
        default=defaults.BUDGET,
        metavar="CHARACTERS",
        help="of a failure's log that the model is sent at most (default: %(default)s)",
    )
    parser.add_argument(
        "--max-tokens",
        type=_number(500, 20_000),
        default=defaults.MAX_TOKENS,
        metavar="TOKENS",
        help="of an answer, thinking included (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout", type=_number(5, 600), default=defaults.TIMEOUT_S, metavar="SECONDS",
        help="to wait for an answer, each time (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--retries", type=_number(0, 10), default=defaults.RETRIES, metavar="TIMES",
        help="to ask again after an error that may pass (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--bot", default=defaults.BOT, metavar="LOGIN",
        help="whose issues are brought up to date: who GITHUB_TOKEN is (default: %(default)s)",
    )  # fmt: skip


def _number(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,19}", text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} to {most}")
        return int(text)

    return number


def _model(text: str) -> str:
    if not _MODEL.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no model's name")
    return text


def _run(options: argparse.Namespace) -> int:
    from ops.ci import analyse, annotations, model, redact
    from ops.ci.context import read_workflow
    from ops.ci.github import GitHub
    from ops.result import show

    workflow = read_workflow()
    asking = model.Asking(
        key=os.environ.get("ANTHROPIC_API_KEY", "").strip(),
        model=options.model,
        max_tokens=options.max_tokens,
        timeout_s=options.timeout,
        retries=options.retries,
    )
    wanted = analyse.Wanted(options.run_id, options.budget, asking, options.bot)
    mask = redact.of_environment(os.environ)
    found = analyse.analyse(workflow, GitHub(workflow), wanted, model.ask, mask)
    with annotations.as_text(os.environ):
        return show(found, as_json=options.json)


ANALYSE: Final = Command(
    "analyse",
    "Find out why a run failed: one issue for each distinct failure.",
    "Fetches the logs of the failed jobs, masks secrets, cuts out what tells the cause, asks Claude, and makes or updates\n"
    "an issue. Needs GITHUB_TOKEN (actions: read, issues: write) and ANTHROPIC_API_KEY; without that key it says so and\n"
    "does nothing. Exit status: 0 done, nothing to do, no key, or a model that gave no answer (with a warning); 1 GitHub\n"
    "refused or can't be reached; 2 wrong arguments.\n\n"
    "  codeb ci analyse                                of the run in the event workflow_run\n"
    "  codeb ci analyse --run 19283746555 --bot ann    by hand, with ann's token",
    _arguments,
    _run,
)
