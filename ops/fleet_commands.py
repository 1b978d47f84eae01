"""The commands `codeb fleet …`: a table, like `ops.host_commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ops.arguments import stack_name
from ops.command import Command, add
from ops.result import written

if TYPE_CHECKING:
    from ops.vultr.case import Case

_TROUBLE: Final = 2


def _arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(title="fleet commands", metavar="VERB", required=True)
    for verb in VERBS:
        one = add(verbs, verb)
        one.add_argument("--stack", required=True, type=stack_name, help="the stack (Pulumi.<STACK>.yaml)")
        one.set_defaults(verb=verb.run)


def _run(options: argparse.Namespace) -> int:
    """Run a verb; what stands in the way is said and gives the exit status 2."""
    try:
        return int(options.verb(options))
    except _problems() as error:
        if getattr(options, "json", False):
            print(written(_not_compared(error), indent=2))
        print(f"error: {error}", file=sys.stderr)
        return _TROUBLE


def compared(stack: str) -> dict[str, object]:
    """What `codeb fleet check --json` says of a stack, trouble included."""
    from ops.pulumi import CliStack
    from ops.vultr.case import read_case
    from ops.vultr.check import result

    try:
        return result(read_case(CliStack(Path(), stack), Path()))
    except _problems() as error:
        return _not_compared(error)


def _problems() -> tuple[type[Exception], ...]:
    from ops.access import AccessError
    from ops.pulumi import PulumiError
    from ops.vultr.case import NoFleet
    from ops.vultr.client import VultrError

    return (AccessError, NoFleet, PulumiError, VultrError)


def _not_compared(error: Exception) -> dict[str, object]:
    return {"ok": False, "complete": False, "problem": str(error), "lines": [f"could not be asked: {error}"]}


def _case(options: argparse.Namespace) -> Case:
    from ops.pulumi import CliStack
    from ops.vultr.case import read_case

    return read_case(CliStack(Path(), options.stack), Path())


def _confirm(options: argparse.Namespace) -> Callable[[], bool]:
    return confirmed(yes=options.yes)


def confirmed(*, yes: bool) -> Callable[[], bool]:
    """Asks the person at the terminal, unless --yes has answered already."""

    def confirm() -> bool:
        if yes:
            return True
        if not sys.stdin.isatty():
            print("nobody is there to ask: --yes says yes", file=sys.stderr)
            return False
        try:
            return input("Type yes to go on: ").strip() == "yes"
        except EOFError:  # Ctrl-D
            print(file=sys.stderr)
            return False

    return confirm


def _ids(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="+", metavar="ID", help="as `codeb fleet check` shows it")
    _yes(parser)


def _yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask (for pipelines)")


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="write the result to standard output as JSON")


def _check(options: argparse.Namespace) -> int:
    from ops.pulumi import CliStack
    from ops.vultr.check import check

    return check(CliStack(Path(), options.stack), Path(), as_json=options.json)


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    _ids(parser)
    parser.add_argument(
        "--data", action="store_true", help="also what holds data: disks, shared storage, servers with one"
    )
    parser.add_argument(
        "--unmarked", action="store_true", help="also what no mark tells to be this stack's: you know it is"
    )


def _remove(options: argparse.Namespace) -> int:
    from ops.vultr.removal import Wanted, remove

    wanted = Wanted(tuple(options.ids), options.data, options.unmarked)
    return remove(_case(options), Path(), wanted, _confirm(options))


def _adopt(options: argparse.Namespace) -> int:
    from ops.vultr.adopt import adopt

    return adopt(_case(options), options.ids, _confirm(options))


def _forget_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("ids", nargs="*", default=[], metavar="ID", help="as `codeb fleet check` shows it")
    what.add_argument("--server", metavar="NAME", help="all that was done on a server that died, as app-3")
    parser.add_argument(
        "--identity",
        metavar="FILE",
        help="private SSH key to see whether the server answers (default: the stack's own)",
    )
    _yes(parser)
    parser.add_argument(
        "--emptied",
        action="store_true",
        help="the account has nothing of the stack any more: you know it is the right one",
    )


def _forget(options: argparse.Namespace) -> int:
    if options.server:
        from ops.pulumi import CliStack
        from ops.ssh import ask
        from ops.vultr.forget_server import Wanted, forget_server

        wanted = Wanted(options.server, options.identity)
        return forget_server(CliStack(Path(), options.stack), Path(), wanted, _confirm(options), ask)
    from ops.vultr.forget import forget

    return forget(_case(options), options.ids, _confirm(options), emptied=options.emptied)


def _attach(options: argparse.Namespace) -> int:
    from ops.vultr.attach import attach

    return attach(_case(options), options.ids, _confirm(options))


def _refresh_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="as of the others; it asks nothing anyway")


def _refresh(options: argparse.Namespace) -> int:
    from ops.vultr.refresh import refresh

    return refresh(_case(options))


def _replace_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("server", metavar="SERVER", help="name of the server, as in app-1")
    parser.add_argument("--identity", metavar="FILE", help="private SSH key (default: the stack's own)")
    parser.add_argument(
        "--data", action="store_true", help="also a server whose data is on its own disk and is lost"
    )
    _yes(parser)


def _replace(options: argparse.Namespace) -> int:
    from ops.ssh import ask
    from ops.vultr.replace import Wanted, replace

    wanted = Wanted(options.server, options.identity, options.data, options.yes)
    return replace(_case(options), Path(), wanted, _confirm(options), ask)


VERBS: Final = (
    Command(
        "check",
        "Compare the account at Vultr with the stack's state.",
        "Names what is there twice, unknown, gone, edited by hand or attached elsewhere, what it costs a month, and the\n"
        "command that mends it. What carries another stack's mark is only counted. Exit status: 0 clean, 1 findings,\n"
        "2 the account (or a part of it) or the state could not be asked.",
        _check_arguments,
        _check,
    ),
    Command(
        "remove",
        "Remove from the account what the state does not know.",
        "Only what carries this stack's mark and is not in the state; servers keep what is attached to them. Says name\n"
        "and cost, and asks. Exit status: 0 gone, 1 refused or failed, 2 could not be asked.",
        _remove_arguments,
        _remove,
    ),
    Command(
        "adopt",
        "Take back into the state what it lost, or what a killed run left.",
        "The program must want it; it is imported under the name, parent and provider that the program gives it, so\n"
        "that the next preview has nothing to do with it.",
        _ids,
        _adopt,
    ),
    Command(
        "forget",
        "Take out of the state what the account has no more.",
        "Else an update or destroy would fail for ever, as the plugin can't delete what is gone. With --server what was\n"
        "done on a server that died: an update that takes it away would wait for its agent. Not of one that answers, nor\n"
        "of a data server. What is at Vultr stays in the state, and the next update deletes it.",
        _forget_arguments,
        _forget,
    ),
    Command(
        "attach",
        "Put a data disk back at its server.",
        "For one that was attached elsewhere by hand, or whose attachment failed: an update can't move it, as Vultr's\n"
        "plugin begins with a change that Vultr refuses. Says where it goes, and asks.",
        _ids,
        _attach,
    ),
    Command(
        "refresh",
        "A `pulumi refresh` that changes nothing when the API is in trouble.",
        "Plain `pulumi refresh` drops balancers and DNS records from the state when a read fails.",
        _refresh_arguments,
        _refresh,
    ),
    Command(
        "replace",
        "Make one server anew, on purpose.",
        "The new one comes first, and takes over the address that stays. Of a server with a data disk services end before,\n"
        "as the disk goes over. Its preview comes first; when that fails nothing is changed.",
        _replace_arguments,
        _replace,
    ),
)

COMMANDS: Final = (
    Command(
        "fleet",
        "Compare and mend what the stack has at Vultr.",
        "  codeb fleet check --stack prod            what is wrong, and what mends it\n"
        "  codeb fleet remove ID --stack prod        what the state does not know\n"
        "  codeb fleet adopt ID --stack prod         what the state lost\n"
        "  codeb fleet forget ID --stack prod        what the account has no more\n"
        "  codeb fleet forget --server app-3 --stack prod   what was done on a server that died\n"
        "  codeb fleet attach ID --stack prod        a data disk back to its server\n"
        "  codeb fleet refresh --stack prod          read the account into the state, safely\n"
        "  codeb fleet replace app-1 --stack prod    a server anew\n\n"
        "docs/fleet-operations.md tells the whole story.",
        _arguments,
        _run,
    ),
)
