"""The whole platform on this machine.

up        boot the host, deploy the dev stack, print the registry and the URLs that answer
preview   show what `up` would change
env       lines for a shell in which plain `pulumi` works on the lab: eval "$(.lab/venv/bin/python -m lab env)"
status    what runs: registry and URLs
outputs   the stack's outputs (what other teams read)
shell     a root shell on the host, or one command there
console   the same without SSH, as a provider's console: for a host that lets nobody in
refresh   read what is really there into the state
destroy   take the platform off the host; its data is moved aside, not dropped
down      stop the host, and the fleet's (python -m lab.fleet); everything stays on disk
clean     stop all hosts and remove everything that the lab made
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

from rich.console import Console

from lab import apps, own_apps, paths, report
from lab.fleet.cloud import Cloud
from lab.host import Lab, LabError
from lab.host.cache import locked
from lab.host.progress import background
from lab.images.store import MONITORING
from lab.pulumi import dev
from lab.pulumi.errors import StackError
from lab.pulumi.stack import Stack

HOST = "codeb1"
SECRETS = """
A secret variable: its name in environment.secrets of the manifest, its value in the stack's settings, then make lab:
      make lab-env    # a shell in which pulumi knows the lab
      pulumi config set --secret --path 'codeb:projectSecrets.<id>.<NAME>'    # asks; a file: --raw … < FILE"""


@dataclass
class Session:
    """One command: the lab of this clone, its stack, where to print, and what is passed on to the CLI."""

    lab: Lab
    stack: Stack
    console: Console
    arguments: list[str]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    options, rest = _parser().parse_known_args(argv)
    try:
        if os.geteuid() != 0:
            raise LabError("the lab boots a system and needs root", "run the same command with sudo")
        stack = dev.stack(stand_ins=options.plugins == "lab")
        return VERBS[options.verb](Session(Lab.here(), stack, Console(highlight=False), rest))
    except (StackError, LabError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to go on", file=sys.stderr)
        return 130


def up(session: Session) -> int:
    started = time.monotonic()
    _boot(session)
    apps.push_all(session.lab)
    stack = own_apps.pushed(session.lab, session.stack)
    with _alone(session):
        status = stack.up(["--suppress-outputs", *session.arguments])
    if status != 0:
        return status
    failed = _show(session)
    session.console.print(f"\nmake lab took {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


def preview(session: Session) -> int:
    _prepare(session)
    return own_apps.foreseen(session.lab, session.stack).preview(session.arguments)


def refresh(session: Session) -> int:
    _boot(session)
    with _alone(session):
        return session.stack.refresh(session.arguments)


def destroy(session: Session) -> int:
    _boot(session)
    with _alone(session):
        return session.stack.destroy(session.arguments)


def env(session: Session) -> int:
    _prepare(session)
    session.stack.select()
    for name, value in session.stack.environment().items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def outputs(session: Session) -> int:
    print(
        json.dumps(session.stack.outputs("--show-secrets" in session.arguments), indent=2, ensure_ascii=False)
    )
    return 0


def status(session: Session) -> int:
    return 1 if _show(session) else 0


def shell(session: Session) -> int:
    return session.lab.shell(HOST, session.arguments)


def console(session: Session) -> int:
    return session.lab.console(HOST, session.arguments)


def down(session: Session) -> int:
    Cloud(session.lab).stop()
    session.lab.down()
    return 0


def clean(session: Session) -> int:
    Cloud(session.lab).clean()
    session.lab.clean()
    paths.remove_state()
    return 0


def _boot(session: Session) -> None:
    """Host and CLI, each built first where it is missing, side by side."""
    prepared = background(lambda: _prepare(session))
    session.lab.ensure((HOST,), MONITORING)
    prepared.result()


def _alone(session: Session) -> AbstractContextManager[None]:
    """Of several `make lab` at once, one deploys and the others wait."""
    return locked(paths.LAB / "deploy.lock", session.lab.progress)


def _prepare(session: Session) -> None:
    found = dev.prepare(session.lab, session.stack)
    session.lab.progress.say(f"lab: Pulumi CLI: {found.why}")


def _show(session: Session) -> list[str]:
    """Print registry and URLs; return the URLs that did not answer."""
    found = session.stack.outputs()
    if "registry" not in found:
        raise LabError("nothing is deployed", "run `make lab`")
    paths.CA_CERTIFICATE.write_text(found["caCertificate"])
    session.console.print()
    report.print_registry(found["registry"], session.console)
    session.console.print("\nAsked just now, and as you can ask:")
    checked = report.health_paths(session.stack.project / "manifests")
    urls = [
        f"https://{entry['domain']}{checked.get(entry['id'], '/')}"
        for entry in report.running(found["registry"])
    ]
    urls += [found["monitoring"]["console"]] if "monitoring" in found else []
    shown_ca = str(paths.CA_CERTIFICATE.relative_to(paths.REPO))
    address = session.lab.info(HOST).address
    failed = report.print_urls(urls, address, paths.CA_CERTIFICATE, shown_ca, session.console)
    session.console.print(SECRETS, soft_wrap=True)
    return failed


VERBS: dict[str, Callable[[Session], int]] = {
    "up": up,
    "preview": preview,
    "env": env,
    "status": status,
    "outputs": outputs,
    "shell": shell,
    "console": console,
    "refresh": refresh,
    "destroy": destroy,
    "down": down,
    "clean": clean,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Other arguments go to the Pulumi CLI (python -m lab preview --diff)\n"
        "or to the shell (python -m lab shell -- df -h).",
    )
    parser.add_argument("verb", choices=sorted(VERBS), metavar="VERB", help="one of the above")
    parser.add_argument(
        "--plugins",
        choices=("lab", "real"),
        default="lab",
        help="the lab's own plugins of command, postgresql, minio, vultr (default), or the real ones, which the CLI gets",
    )
    return parser
