"""Pulumi's Python language host, for one interpreter: this one. `python -m lab.plugins.language EXEC [options] ENGINE`.

A program runs in a process of its own, started by `pulumi-language-python-exec` of the Pulumi SDK (EXEC: it is in the SDK's
Go module under `python/cmd`, and in no wheel).
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NoReturn

import grpc
from google.protobuf import empty_pb2

from lab.plugins import copies
from lab.plugins.protos import LanguageRuntimeServicer, language_pb2, language_pb2_grpc, plugin_pb2
from lab.plugins.serving import serve

PROGRAM: Final = Path(__file__).with_name("program.py")
STACK_VARIABLE: Final = "LAB_STACK"
"""Names the stack that the copied settings are of."""

_DEV: Final = "dev"
"""The stack of the lab's one host; all others are fleets."""
COPY_VARIABLE: Final = "PULUMI_OPTION_CONFIG_FILE"
"""Pulumi's variable for `--config-file`; `lab.pulumi.stack` points it to a copy."""

EXPLAINED: Final = 32
"""Exit status of a program whose failure has been shown (`pulumi-language-python-exec`)."""


class Host(LanguageRuntimeServicer):
    """The calls that the CLI makes of a language host; `engine` is the address the program logs to."""

    def __init__(self, exec_file: Path, engine: str) -> None:
        self._exec, self._engine = exec_file, engine
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        self._engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def About(
        self, request: language_pb2.AboutRequest, context: grpc.ServicerContext
    ) -> language_pb2.AboutResponse:
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """None by name: the program's own registrations say which providers it needs."""
        return language_pb2.GetRequiredPackagesResponse()

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Nothing to install: `make` has made the environment that this host runs in."""
        return iter(())

    def RuntimeOptionsPrompts(
        self, request: language_pb2.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> language_pb2.RuntimeOptionsResponse:
        return language_pb2.RuntimeOptionsResponse()

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        found = sorted({(item.name, item.version) for item in importlib.metadata.distributions()})
        dependencies = [language_pb2.DependencyInfo(name=name, version=version) for name, version in found]
        return language_pb2.GetProgramDependenciesResponse(dependencies=dependencies)

    def Run(
        self, request: language_pb2.RunRequest, context: grpc.ServicerContext
    ) -> language_pb2.RunResponse:
        """Run the program to its end; its output goes to ours, which the CLI shows."""
        if other := other_stack(request.stack):
            return language_pb2.RunResponse(error=other)
        if stale := stale_settings(Path(request.info.root_directory), request.stack):
            print(stale, file=sys.stderr, flush=True)
        environment = {
            **os.environ,
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        child = subprocess.Popen(self._program(request), env=environment, stdin=subprocess.DEVNULL)
        with self._lock:
            self._running.add(child)
        status = child.wait()
        with self._lock:
            self._running.discard(child)
        if status == EXPLAINED:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(
            error=f"program exited with non-zero exit code: {status}" if status else ""
        )

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self.end(True)
        return empty_pb2.Empty()

    def end(self, asked: bool) -> None:
        """End what runs: whoever it talks to goes away."""
        with self._lock:
            for child in self._running:
                child.terminate()

    def _program(self, request: language_pb2.RunRequest) -> list[str]:
        program = os.path.normpath(os.path.join(request.info.program_directory, request.info.entry_point))
        folder = program if os.path.isdir(program) else os.path.dirname(program)
        options = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization,
            "root_directory": request.info.root_directory,
            "pwd": request.pwd,
            "dry_run": str(request.dryRun).lower(),
            "parallel": str(request.parallel),
        }
        line = [sys.executable, "-u", str(PROGRAM), str(self._exec), folder]
        line += [part for name, value in options.items() for part in (f"--{name}", value)]
        return [*line, program, *request.args]


def other_stack(stack: str) -> str:
    """What is to be said when the CLI reads the copied settings of another stack than it runs."""
    lab_stack = os.environ.get(STACK_VARIABLE, stack)
    if stack == lab_stack or not os.environ.get(COPY_VARIABLE):
        return ""
    return (
        f"this shell of the lab has the settings of the stack {lab_stack}, and the run is one of {stack}: "
        "nothing was done. Use a shell without the lab's variables for other stacks"
    )


def stale_settings(project: Path, stack: str) -> str:
    """What is to be said when the CLI was told to read a copy of the stack's settings and these are newer."""
    copy, settings = os.environ.get(COPY_VARIABLE), project / f"Pulumi.{stack}.yaml"
    if not copy or not settings.exists() or copies.is_fresh(settings, Path(copy)):
        return ""
    env = "lab env" if stack == _DEV else "lab.fleet env"
    return (
        f"{settings.name} was changed after this shell of the lab was opened, and its settings are a copy: run\n"
        f'`eval "$(.lab/venv/bin/python -m {env})"` once more{"" if stack == _DEV else ", with --shape as before"}'
    )


def main(argv: Sequence[str]) -> NoReturn:
    """Serve until the CLI ends."""
    host = Host(Path(argv[0]), argv[-1])
    serve(lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server), host.end)


if __name__ == "__main__":
    main(sys.argv[1:])
