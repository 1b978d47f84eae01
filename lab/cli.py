"""`python -m lab`: the whole platform on this machine.

  up        boot the host, deploy the dev stack, print the registry and the URLs that answer
  preview   show what `up` would change
  status    what runs: hosts, registry
  outputs   the stack's outputs (what other teams read)
  shell     a root shell on the host, or one command there
  refresh   read what is really there into the state
  destroy   take the platform off the host; its data is moved aside, not dropped
  down      stop the host; everything stays on disk
  clean     stop the host and remove everything that the lab made
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence

from rich.console import Console

from lab import apps, host, paths, report
from lab.deploy import Deployment, DeployError, deployment

HOSTS = ("codeb1",)
console = Console(highlight=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    options = _parser().parse_args(argv)
    try:
        return VERBS[options.verb](options)
    except (DeployError, host.LabError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to go on", file=sys.stderr)
        return 130


def up(options: argparse.Namespace) -> int:
    started = time.monotonic()
    _boot()
    for image in apps.push_all(console.print):
        console.print(f"image {image}")
    engine = deployment(options.engine)
    status = engine.up(options.arguments)
    if status != 0:
        return status
    failed = _show(engine)
    console.print(f"\nmake lab took {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


def preview(options: argparse.Namespace) -> int:
    _boot()
    return deployment(options.engine).preview(options.arguments)


def refresh(options: argparse.Namespace) -> int:
    _boot()
    return deployment(options.engine).refresh(options.arguments)


def destroy(options: argparse.Namespace) -> int:
    _boot()
    return deployment(options.engine).destroy(options.arguments)


def outputs(options: argparse.Namespace) -> int:
    print(json.dumps(deployment(options.engine).outputs("--show-secrets" in options.arguments), indent=2))
    return 0


def status(options: argparse.Namespace) -> int:
    for info in host.status():
        console.print(f"{info.name}  {info.address}  {info.state}")
    return 1 if _show(deployment(options.engine)) else 0


def shell(options: argparse.Namespace) -> int:
    return host.shell(HOSTS[0], options.arguments)


def down(_: argparse.Namespace) -> int:
    host.down()
    return 0


def clean(_: argparse.Namespace) -> int:
    host.clean()
    return 0


def _boot() -> None:
    paths.ensure_secrets()
    host.ensure(HOSTS, progress=console.print)


def _show(engine: Deployment) -> list[str]:
    """Print registry and URLs; return the URLs that did not answer."""
    found = engine.outputs()
    paths.CA_CERTIFICATE.write_text(found["caCertificate"])
    console.print()
    report.print_registry(found["registry"], console)
    console.print("\nAsked just now:")
    urls = [f"https://{entry['domain']}{apps.SHOWN_PATH}" for entry in report.running(found["registry"])]
    address = host.address(HOSTS[0])
    shown_ca = str(paths.CA_CERTIFICATE.relative_to(paths.REPO))
    return report.print_urls(urls, address, paths.CA_CERTIFICATE, shown_ca, console)


VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "up": up,
    "preview": preview,
    "status": status,
    "outputs": outputs,
    "shell": shell,
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
        epilog="Further arguments go to the engine, for example: python -m lab preview --diff",
    )
    parser.add_argument("verb", choices=sorted(VERBS), metavar="VERB", help="one of the above")
    parser.add_argument("--engine", choices=("lab", "pulumi"), default="lab", help="lab (default) or the pulumi CLI")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on to the engine or the shell")
    return parser
