"""The commands around previews and AI assistants: a table, like `ops.host_commands`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from ops.arguments import caller, plan_id, project_id, stack_name
from ops.command import Command
from ops.result import failed, show

_NOT_INSTALLED: Final = (
    "the MCP server needs the extra mcp: pip install 'PATH-OF-THE-CLONE[mcp]' (in a clone: -r locks/mcp.txt)"
)


def _diff_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stack", required=True, type=stack_name, help="the stack (Pulumi.<STACK>.yaml)")
    parser.add_argument("--json", action="store_true", help="write the result to standard output as JSON")


def _diff(options: argparse.Namespace) -> int:
    from ops.preview import diff

    return show(diff(Path(), options.stack), as_json=options.json)


def _approve_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("plan", nargs="?", type=plan_id, metavar="PLAN_ID", help="as a preview gave it")
    what.add_argument("--rollback", type=project_id, metavar="PROJECT", help="one rollback of this project")
    parser.add_argument("--stack", type=stack_name, help="the stack, for --rollback")
    parser.add_argument("--json", action="store_true", help="write the result to standard output as JSON")


def _approve(options: argparse.Namespace) -> int:
    from ops.approve import approve_plan, approve_rollback, ask

    if options.plan:
        result = approve_plan(options.plan, Path(), caller(), ask)
    elif not options.stack:
        print("error: --rollback needs --stack", file=sys.stderr)
        return 2
    else:
        result = approve_rollback(options.rollback, options.stack, Path(), caller(), ask)
    return show(result, as_json=options.json)


def _mcp_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stack",
        action="append",
        required=True,
        type=stack_name,
        dest="stacks",
        help="a stack to serve; can be given again",
    )
    parser.add_argument(
        "--allow-deploy", action="store_true", help="offer deploy and rollback too (default: tools that look)"
    )


def _mcp(options: argparse.Namespace) -> int:
    try:
        from ops.mcp import server, world
    except ImportError:
        return show(failed(_NOT_INSTALLED), as_json=False)
    folder = Path()
    unknown = [name for name in options.stacks if not (folder / f"Pulumi.{name}.yaml").is_file()]
    if unknown:
        return show(failed(f"there is no Pulumi.{unknown[0]}.yaml here"), as_json=False)
    stacks = {name: world.is_development(folder, name) for name in options.stacks}
    server.serve(world.real(folder, stacks, caller(), allow_deploy=options.allow_deploy))
    return 0


COMMANDS = (
    Command(
        "diff",
        "Say what the edited manifests will do to users: restart, reload, data, cost.",
        "A preview by Pulumi, in the program's own words, with the name of the plan at its end. Changes nothing. Exit\n"
        "status: 0 it would work, 1 it would not (or is refused), 2 wrong usage.\n\n"
        "  codeb diff --stack prod",
        _diff_arguments,
        _diff,
    ),
    Command(
        "approve",
        "Approve one deployment of a plan that an AI assistant has asked for.",
        "Shows the plan and asks; the approval is good for 15 minutes, for this plan, once. Needs a terminal: a person\n"
        "approves. Exit status: 0 approved, 1 not, 2 wrong usage.\n\n"
        "  codeb approve 3f0c9a…\n"
        "  codeb approve --rollback shop --stack prod",
        _approve_arguments,
        _approve,
    ),
    Command(
        "mcp",
        "Serve AI assistants by the Model Context Protocol, on standard input and output.",
        "Tools that check, plan, preview, look and explain; with --allow-deploy also deploy (a plan that a person has\n"
        "approved) and rollback. docs/mcp.md has an .mcp.json and what each tool does.\n\n"
        "  codeb mcp --stack dev\n"
        "  codeb mcp --stack dev --stack prod --allow-deploy",
        _mcp_arguments,
        _mcp,
    ),
)
