"""Runs a Pulumi program in this process, as Pulumi's Python language host does."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
import runpy
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi.runtime
from pulumi.runtime.stack import run_in_stack

from lab.engine.checkpoint import ORGANIZATION
from lab.engine.config import StackConfig
from lab.engine.events import Events
from lab.engine.monitor import EngineLog, Monitor


@dataclass(frozen=True)
class Program:
    """What to run, and where."""

    path: Path
    """A file, or a folder with a `__main__.py`."""
    project: str
    stack: str
    root: Path
    """The folder of Pulumi.yaml."""
    config: StackConfig


class _Lines(io.TextIOBase):
    """A stream that passes on whole lines."""

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._emit, self._rest = emit, ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._emit(line)
        return len(text)

    def finish(self) -> None:
        """Pass on a last line without an end."""
        if self._rest:
            self._emit(self._rest)


def run_program(
    program: Program,
    monitor: Monitor,
    events: Events,
    *,
    preview: bool,
    parallel: int,
    stopped: Callable[[], bool],
) -> bool:
    """Run it to the end; what goes wrong is reported.

    Returns:
        Whether it ended well.
    """
    _configure(program, monitor, events, preview=preview, parallel=parallel)
    message = None
    with _environment(program, events):
        try:
            _execute(program, parallel)
        except pulumi.RunError as error:
            message = str(error)
        except SystemExit as error:
            message = None if not error.code else f"Program exited with non-zero exit code: {error.code}"
        except Exception:  # noqa: BLE001 (whatever the program raises is its failure, not ours)
            message = f"Program failed with an unhandled exception:\n{_traceback(program.path)}"
    if message is None:
        return True
    if not stopped():
        events.error(message)
    return False


def _configure(program: Program, monitor: Monitor, events: Events, *, preview: bool, parallel: int) -> None:
    pulumi.runtime.set_all_config(dict(program.config.values), list(program.config.secret_keys))
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=program.project,
            stack=program.stack,
            monitor=monitor,
            engine=EngineLog(events),
            parallel=parallel,
            dry_run=preview,
            organization=ORGANIZATION,
            root_directory=str(program.root),
        )
    )


@contextlib.contextmanager
def _environment(program: Program, events: Events) -> Iterator[None]:
    """Import path, arguments and output of the program."""
    before = list(sys.argv), list(sys.path)
    lines = _Lines(events.program_output)
    sys.argv = [str(program.path)]
    folder = program.path if program.path.is_dir() else program.path.parent
    sys.path.insert(0, str(folder))
    try:
        with contextlib.redirect_stdout(lines), contextlib.redirect_stderr(lines):
            yield
    finally:
        lines.finish()
        sys.argv, sys.path[:] = before


def _execute(program: Program, parallel: int) -> None:
    # Outputs that nobody awaits after a failure are no news: the failure itself has been reported.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=max(parallel, 1) * 4)
    loop.set_default_executor(executor)
    try:
        loop.run_until_complete(run_in_stack(lambda: _run_path(program.path)))
    finally:
        executor.shutdown(wait=True)
        loop.close()


def _run_path(path: Path) -> None:
    runpy.run_path(str(path), run_name="__main__")


def _traceback(path: Path) -> str:
    """The traceback from the program's own code on."""
    error = sys.exc_info()[1]
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    files = {str(path), str(path / "__main__.py")}
    first = next((index for index, frame in enumerate(frames) if os.path.abspath(frame.filename) in files), 0)
    return traceback.format_exc(limit=first - len(frames))
