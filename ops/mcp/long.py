"""Work that takes a while, in a thread: news of it on the way, an end when it is cancelled or its time runs out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import anyio
import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

_EVERY_S: Final = 1.0
_HEARTBEATS: Final = 10

T = TypeVar("T")


@dataclass
class News:
    """The last thing that happened, and how many have."""

    text: str = ""
    count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, text: str) -> None:
        with self._lock:
            self.text, self.count = text, self.count + 1


async def look(work: Callable[[], T], seconds: float) -> T:
    """Work that changes nothing: cancelled, it is left alone. Raises ToolError when its time runs out."""
    with anyio.move_on_after(seconds):
        return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
    raise ToolError(f"no answer within {seconds:g} s: ask again, or for less")


async def act(context: Context, work: Callable[[], T], end: Callable[[], None], news: News) -> T:
    """Work that has to end in order: cancelled, it is asked to `end`, and waited for."""
    ended: list[T] = []
    problems: list[Exception] = []
    async with anyio.create_task_group() as group:
        group.start_soon(_tell, context, news)
        await _to_its_end(work, end, ended, problems)
        group.cancel_scope.cancel()
    if problems:
        raise problems[0]
    return ended[0]


async def _to_its_end(
    work: Callable[[], T], end: Callable[[], None], ended: list[T], problems: list[Exception]
) -> None:
    over = threading.Event()

    def to_the_end() -> None:
        try:
            ended.append(work())
        except Exception as error:  # noqa: BLE001 - raised again by who waits
            problems.append(error)
        finally:
            over.set()

    try:
        await anyio.to_thread.run_sync(to_the_end, abandon_on_cancel=True)
    except anyio.get_cancelled_exc_class():
        end()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(over.wait)
        raise


async def _tell(context: Context, news: News) -> None:
    """News as progress, and a sign of life when there are none."""
    told, silent, number = 0, 0, 0
    while True:
        await anyio.sleep(_EVERY_S)
        silent += 1
        if news.count != told or silent >= _HEARTBEATS:
            told, silent, number = news.count, 0, number + 1
            await context.report_progress(number, None, news.text or "working")
