"""The commands `codeb ci …`, which workflows call: a table, like `ops.host_commands`. Each verb's module is in `ops/ci`."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ops.arguments import matching, project_id, stack_name
from ops.ci.analyse_command import ANALYSE
from ops.command import Command, add
from ops.result import Result, failed, show

if TYPE_CHECKING:
    from ops.ci.account import Account
    from ops.ci.payload import Preview
    from ops.ci.world import World

_NOT_INSTALLED: Final = (
    "`codeb ci` needs the extra ci: pip install 'PATH-OF-THE-CLONE[ci]' (in a clone: -r locks/ci.txt)"
)


def _arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(title="ci commands", metavar="VERB", required=True)
    for verb in VERBS:
        one = add(verbs, verb)
        one.add_argument("--json", action="store_true", help="write the result to standard output as JSON")
        one.set_defaults(verb=verb.run)


def _run(options: argparse.Namespace) -> int:
    """Run a verb; what stands in the way is said and gives the exit status 1."""
    try:
        from ops.ci import github  # noqa: F401 - whether the extra is there
        from ops.ci.context import CiError
    except ImportError:
        return show(failed(_NOT_INSTALLED), as_json=options.json)
    try:
        return int(options.verb(options))
    except CiError as error:
        return _shown(failed(error), options)


def _in_world(options: argparse.Namespace, work: Callable[[World], Result]) -> int:
    """Do the work, show its result; a cancelled job ends it in order. The exit status."""
    from ops.ci import annotations
    from ops.ci.context import CiError
    from ops.ci.world import real
    from ops.runs import ended_by_signals

    world = real()
    with annotations.as_text(os.environ), ended_by_signals(world.run):
        try:
            result = work(world)
        except CiError as error:
            result = failed(error)
    return _shown(result, options)


def _shown(result: Result, options: argparse.Namespace) -> int:
    from ops.ci import annotations

    with annotations.as_text(os.environ):
        status = show(result, as_json=options.json)
    annotations.annotate(os.environ, result.problems)
    return status


def _named_stack(text: str) -> str:
    """A stack that has its settings here."""
    if not Path(f"Pulumi.{stack_name(text)}.yaml").is_file():
        raise argparse.ArgumentTypeError(f"there is no Pulumi.{text}.yaml here")
    return text


def _stack_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stack", required=True, type=_named_stack, help="the stack (Pulumi.<STACK>.yaml is in this folder)"
    )


def _plan_arguments(parser: argparse.ArgumentParser) -> None:
    _stack_argument(parser)
    parser.add_argument(
        "--from",
        dest="source",
        type=_named_stack,
        metavar="STACK",
        help="ask for the images that this stack was asked to run and serves",
    )
    parser.add_argument(
        "--comment",
        action="store_true",
        help="one comment on the pull request, kept up to date (GITHUB_TOKEN)",
    )
    parser.add_argument(
        "--slack", action="store_true", help="tell Slack that an approval is wanted (SLACK_WEBHOOK_URL)"
    )


def _plan(options: argparse.Namespace) -> int:
    def work(world: World) -> Result:
        from ops.ci.plan import Asked, plan

        return plan(Asked(options.stack, options.source or "", options.comment, options.slack), world)

    return _in_world(options, work)


def _deploy_arguments(parser: argparse.ArgumentParser) -> None:
    _stack_argument(parser)
    parser.add_argument(
        "--plan",
        type=lambda text: matching(
            r"[0-9a-f]{20}(-[0-9a-f]{20}){3}", text, "the output `plan` of `codeb ci plan`"
        ),
        metavar="ID",
        help="nothing but what this plan said: the output plan of `codeb ci plan`",
    )
    parser.add_argument(
        "--environment",
        type=lambda text: matching(
            r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}", text, "an environment, like production"
        ),
        metavar="NAME",
        help="only when a person has approved this run for this environment of the repository",
    )


def _deploy(options: argparse.Namespace) -> int:
    def work(world: World) -> Result:
        from ops.ci.deploy import Asked, deploy

        return deploy(Asked(options.stack, options.plan or "", options.environment or ""), world)

    return _in_world(options, work)


def _environments_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("event", "open", "close", "sweep", "list"),
        help="event: what the run's event asks for; open, close: by hand, with --project and --pull; sweep: close those "
        "whose time is over or whose pull request is closed; list: those that are there",
    )
    _stack_argument(parser)
    for name, text in (
        ("--project", "by hand: id of the project"),
        ("--pull", "by hand: number of its pull request"),
        ("--image", "by hand, for open: <repository>@sha256:<digest>"),
        ("--repository", "by hand: the app's, OWNER/NAME (default: the manifest's project.repository)"),
    ):
        parser.add_argument(name, default="", help=text)


def _environments(options: argparse.Namespace) -> int:
    def work(world: World) -> Result:
        from ops.ci import environments

        if options.action == "sweep":
            return environments.sweep(options.stack, world)
        if options.action == "list":
            return environments.listing(options.stack, world)
        if options.action == "event" or not options.project:
            return environments.from_event(options.stack, world, only=options.action)
        wanted = _by_flags(options)
        act = environments.open_ if wanted.action == "open" else environments.close
        return act(wanted, options.stack, world)

    return _in_world(options, work)


def _by_flags(options: argparse.Namespace) -> Preview:
    from ops.ci import payload

    pull = int(options.pull) if re.fullmatch(r"[0-9]{1,9}", options.pull) else options.pull
    opening = options.action == "open"
    repository = payload.text("repository", options.repository) if options.repository else ""
    return payload.Preview(
        "open" if opening else "close",
        payload.text("project", options.project),
        payload.pull_number(pull),
        payload.text("image", options.image) if opening else "",
        payload.Source(repository),
    )


def _dispatch_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", choices=("release", "preview"), help="an image to run, or this run's pull request"
    )
    parser.add_argument("--project", required=True, type=project_id, help="id in the platform's manifest")
    parser.add_argument("--platform", required=True, metavar="OWNER/NAME", help="the platform's repository")


def _dispatch(options: argparse.Namespace) -> int:
    def work(world: World) -> Result:
        from ops.ci import dispatch

        send = dispatch.release if options.what == "release" else dispatch.preview
        return send(options.project, options.platform, world)

    return _in_world(options, work)


def _drift(options: argparse.Namespace) -> int:
    def work(world: World) -> Result:
        from ops.ci.account import account
        from ops.ci.drift import drift
        from ops.pulumi import CliStack

        def compare(stack: str, missed: Collection[str]) -> Account:
            return account(CliStack(world.folder, stack), world.folder, missed)

        return drift(options.stack, world, compare)

    return _in_world(options, work)


VERBS: Final[tuple[Command, ...]] = (
    ANALYSE,
    Command(
        "plan",
        "Preview a stack, tell people what would change, and name the plan.",
        "What is asked for beyond the manifests: CODEB_REQUEST, or --from. Step outputs: plan, request, planned, changes.\n"
        "Exit status: 0 previewed (or nobody may: a fork), 1 it fails, 2 wrong usage.\n\n"
        "  codeb ci plan --stack dev --comment             a pull request\n"
        "  codeb ci plan --stack prod --from dev --slack   before an approval",
        _plan_arguments,
        _plan,
    ),
    Command(
        "deploy",
        "Update a stack with what was asked for and approved, and prove that it answers.",
        "The request comes from the event codeb-release or from CODEB_REQUEST (the output request of the plan). What fails\n"
        "of it is taken back. Slack is told (SLACK_WEBHOOK_URL).\n"
        "Exit status: 0 deployed and healthy, 1 not, 2 wrong usage.\n\n"
        "  codeb ci deploy --stack dev\n"
        "  codeb ci deploy --stack prod --plan 4b1e…-77c0…-5d31…-90ab… --environment production",
        _deploy_arguments,
        _deploy,
    ),
    Command(
        "environments",
        "Preview environments of pull requests: open, close, sweep, list.",
        "Apps' pull requests are told with APPS_TOKEN. Exit status: 0 done, 1 not, 2 wrong usage.\n\n"
        "  codeb ci environments event --stack dev      what the event codeb-preview asks for\n"
        "  codeb ci environments sweep --stack dev      past their time, or their pull request is closed\n"
        "  codeb ci environments open --stack dev --project shop --pull 12 --image ghcr.io/leo/shop@sha256:…\n"
        "  codeb ci environments close --stack dev --project shop --pull 12",
        _environments_arguments,
        _environments,
    ),
    Command(
        "dispatch",
        "Of an app's workflow: tell the platform what was built.",
        "The image by its digest is in IMAGE (a pull request that was closed needs none), the token in PLATFORM_TOKEN.\n"
        "Exit status: 0 told (or nobody may: a fork), 1 not, 2 wrong usage.\n\n"
        "  codeb ci dispatch release --project shop --platform leo/platform\n"
        "  codeb ci dispatch preview --project shop --platform leo/platform",
        _dispatch_arguments,
        _dispatch,
    ),
    Command(
        "drift",
        "Say in one issue whether what is there is what the stack has.",
        "Two previews, of what the state remembers and of what is there; no state is written. The issue (GITHUB_TOKEN) has\n"
        "the label drift. Exit status: 0 it was found out, drift or none, 1 it can't be told, 2 wrong usage.\n\n"
        "  codeb ci drift --stack prod",
        _stack_argument,
        _drift,
    ),
)

COMMANDS: Final = (
    Command(
        "ci",
        "What workflows call: plan, deploy, preview environments, analysis of failures, drift.",
        "For GitHub Actions: reads the run from GitHub's variables and files (docs/delivery.md; set up: docs/github.md).\n"
        "By hand GITHUB_REPOSITORY=OWNER/NAME is enough for most, with the variables that Pulumi reads.",
        _arguments,
        _run,
    ),
)
