"""Production's shape in the lab: the stack `fleet` on the simulated Vultr (`python -m lab.vultr` is the account itself).

up        simulator, servers and balancer up, the stack deployed; prints registry, URLs, costs
preview   show what `up` would change
refresh   read what is really there into the state
destroy   take the stack off the account; fails when anything is left there
status    servers, registry and URLs
outputs   the stack's outputs
env       lines for a shell in which plain `pulumi` works on it: eval "$(.lab/venv/bin/python -m lab.fleet env)"
console   a root shell on a server, as Vultr's console, or one command: console app-1 -- podman ps
down      stop everything; account, servers and data stay
clean     stop everything and remove it
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from lab import apps, own_apps, paths, report
from lab.fleet import shape as shapes
from lab.fleet import stack as fleet
from lab.fleet.cloud import Cloud
from lab.host import Lab, LabError
from lab.host.cache import locked, remove, write_atomically
from lab.host.processes import wait_until
from lab.host.progress import background
from lab.pulumi.errors import StackError
from lab.pulumi.stack import Stack

CA_CERTIFICATE = paths.FLEET / "ca.crt"
CERTIFICATE = paths.FLEET / "certificate"
"""Of a balancer that ends TLS."""
BALANCER_PATIENCE_S = 60.0
"""A balancer takes a server in after two good health checks, 15 seconds apart."""


@dataclass
class Session:
    """One command: the cloud of this clone, its stack and that one's shape, where to print, and what is passed on."""

    cloud: Cloud
    stack: Stack
    shape: str
    console: Console
    arguments: list[str]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    options, rest = _parser().parse_known_args(argv)
    try:
        if os.geteuid() != 0:
            raise LabError("the lab boots a system and needs root", "run the same command with sudo")
        cloud = Cloud(Lab.here())
        stack = fleet.stack(cloud, shapes.place(options.shape))
        return VERBS[options.verb](Session(cloud, stack, options.shape, Console(highlight=False), rest))
    except (StackError, LabError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to go on", file=sys.stderr)
        return 130


def up(session: Session) -> int:
    started = time.monotonic()
    claim(session)
    _start(session)
    apps.push_all(session.cloud.lab)
    stack = own_apps.pushed(session.cloud.lab, session.stack)
    with _alone(session):
        status = stack.up(["--suppress-outputs", *session.arguments])
    if status != 0:
        return status
    failed = _show(session)
    session.console.print(f"\nmake lab-fleet took {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


def preview(session: Session) -> int:
    _start(session)
    return own_apps.foreseen(session.cloud.lab, session.stack).preview(session.arguments)


def refresh(session: Session) -> int:
    _start(session)
    with _alone(session):
        return session.stack.refresh(session.arguments)


def destroy(session: Session) -> int:
    _start(session)
    with _alone(session):
        status = session.stack.destroy(session.arguments)
    if status == 0 and not session.cloud.account.is_empty():
        print(
            "error: something is left in the account: `.lab/venv/bin/python -m lab.vultr show`",
            file=sys.stderr,
        )
        return 1
    return status


def status(session: Session) -> int:
    for server in session.cloud.servers():
        session.console.print(
            f"{server.name}: {server.state}, {server.address}, on this machine {server.host}"
        )
    return 1 if _show(session, 0) else 0


def outputs(session: Session) -> int:
    found = session.stack.outputs("--show-secrets" in session.arguments)
    print(json.dumps(found, indent=2, ensure_ascii=False))
    return 0


def env(session: Session) -> int:
    _start(session)
    session.stack.select()
    for name, value in session.stack.environment().items():
        print(f"export {name}={shlex.quote(value)}")
    if session.stack.project != paths.REPO:
        print(f"cd {shlex.quote(str(session.stack.project))}")
    return 0


def console(session: Session) -> int:
    if not session.arguments:
        raise LabError("which server?", "say for example: console app-1")
    name, *words = session.arguments
    return session.cloud.console(name, words)


def down(session: Session) -> int:
    session.cloud.stop()
    return 0


def clean(session: Session) -> int:
    session.cloud.clean()
    session.cloud.lab.down()
    remove(paths.FLEET)
    return 0


def _start(session: Session) -> None:
    """Everything that a deployment needs, side by side where it must be built first."""
    prepared = background(lambda: fleet.prepare(session.cloud, session.stack))
    session.cloud.lab.ensure(())
    session.cloud.start()
    session.cloud.lab.progress.say(f"lab: Pulumi CLI: {prepared.result().why}")
    if shapes.ends_tls(shapes.settings(session.shape)):
        shapes.certify(session.stack, CERTIFICATE)


def claim(session: Session) -> None:
    """One shape at a time: all of them are the stack `fleet`. Raises LabError."""
    noted = paths.FLEET / "shape"
    other = noted.read_text() if noted.exists() else shapes.BALANCED
    if other != session.shape and not session.cloud.account.is_empty():
        remedy = f"run `.lab/venv/bin/python -m lab.fleet destroy --shape {other}`, or `clean`"
        raise LabError(f"the account has the stack in the shape {other}", remedy)
    write_atomically(noted, session.shape)


def _alone(session: Session) -> AbstractContextManager[None]:
    return locked(paths.FLEET / "deploy.lock", session.cloud.lab.progress)


def _show(session: Session, patience: float = BALANCER_PATIENCE_S) -> list[str]:
    """Print registry, URLs and costs, after so many seconds at most; return the URLs that did not answer."""
    found = session.stack.outputs()
    if "registry" not in found:
        raise LabError("nothing is deployed", "run `make lab-fleet`")
    ended = shapes.ends_tls(shapes.settings(session.shape))
    CA_CERTIFICATE.write_text((CERTIFICATE / "ca.crt").read_text() if ended else found["caCertificate"])
    session.console.print()
    report.print_registry(found["registry"], session.console)
    entry = session.cloud.entry()
    if entry is None:
        raise LabError(
            "no server and no balancer answers the internet", "see `.lab/venv/bin/python -m lab.vultr show`"
        )
    session.console.print(f"\nAsked just now at {entry}, and as you can ask:")
    checked = report.health_paths(session.stack.project / "manifests")
    projects = report.running(found["registry"])
    urls = [f"https://{project['domain']}{checked.get(project['id'], '/')}" for project in projects]
    wait_until(lambda: all(_answers(url, entry) for url in urls), patience, pause=1)
    shown_ca = str(CA_CERTIFICATE.relative_to(paths.REPO))
    failed = report.print_urls(urls, entry, CA_CERTIFICATE, shown_ca, session.console)
    _print_costs(found.get("costs") or {}, session.console)
    return failed


def _answers(url: str, entry: str) -> bool:
    try:
        report.probe(url, entry, CA_CERTIFICATE)
    except OSError:
        return False
    return True


def _print_costs(costs: dict[str, Any], console: Console) -> None:
    if costs:
        items = ", ".join(f"{name} ${dollars:.2f}" for name, dollars in sorted(costs["items"].items()))
        console.print(f"\nAt Vultr ${costs['monthly']:.2f} a month: {items}", soft_wrap=True)


VERBS: dict[str, Callable[[Session], int]] = {
    "up": up,
    "preview": preview,
    "refresh": refresh,
    "destroy": destroy,
    "status": status,
    "outputs": outputs,
    "env": env,
    "console": console,
    "down": down,
    "clean": clean,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.fleet",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Other arguments go to the Pulumi CLI (python -m lab.fleet preview --diff).",
    )
    parser.add_argument("verb", choices=sorted(VERBS), metavar="VERB", help="one of the above")
    parser.add_argument("--shape", choices=shapes.names(), default=shapes.BALANCED, help="(%(choices)s)")
    return parser
