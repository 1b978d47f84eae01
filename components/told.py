"""Says what changes and what users notice, for each command that runs: in a preview and in an update, in the same words.

The engine calls a hook before it updates a resource and gives it the old inputs, so exactly what changes is told,
with `--target` too. Old and new are read from the summaries in the commands' own texts, in which nothing is secret.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pulumi

from codeb.changes import Summary, bundle_line, from_comments, release_line, renewed_line, to_comments
from codeb.live import Live
from codeb.plan import Plan
from components.running import renewed

Line: TypeAlias = Callable[[Summary, Summary], str]
Reading: TypeAlias = Callable[[str], Summary]
"""Makes what can be said of a document that an older version sent, without a summary."""


class Told:
    """Hooks of a run, and the lines said so far: a project on several servers has one."""

    hooks: pulumi.ResourceHookBinding

    def __init__(self, plan: Plan, live: Live) -> None:
        self._plan, self._live = plan, live
        self._lines: dict[str, tuple[Line, Reading]] = {}
        self._said: set[str] = set()
        hook = pulumi.ResourceHook(
            "what-changes",
            self._before_update,
            pulumi.ResourceHookOptions(on_dry_run=True, ignore_errors=True),
        )
        self.hooks = pulumi.ResourceHookBinding(before_update=[hook])

    def release(self, command: str, project: str, server: str, earlier: Reading) -> None:
        """The resource of this name is the project's release on a server."""

        def line(before: Summary, after: Summary) -> str:
            status = self._live.statuses.get(project, {}).get(server)
            return release_line(project, before, after, status)

        self._lines[command] = line, earlier

    def bundle(self, command: str, server: str, earlier: Reading) -> None:
        """The resource of this name is the bundle of a server."""

        def line(before: Summary, after: Summary) -> str:
            anew = renewed_line(server, self._plan) if server in renewed() else ""
            return anew or bundle_line(server, before, after, self._plan)

        self._lines[command] = line, earlier

    async def _before_update(self, args: pulumi.ResourceHookArgs) -> None:
        old, new = args.old_inputs or {}, args.new_inputs or {}
        line, earlier = self._lines[args.name]
        before = from_comments(old.get("delete")) or earlier(
            str(await pulumi.Output.from_input(old.get("stdin")).future())
        )
        text = line(before, from_comments(new.get("delete")))
        subject = text.partition(":")[0]
        if subject not in self._said:
            self._said.add(subject)
            pulumi.log.info(text)


def described(delete: str, summary: Summary) -> str:
    """A command's `delete` with what the command brings about, for its properties' diff.

    There, as neither an error of a release shows it, nor is the resource replaced when it changes.
    """
    return f"{delete}\n# This is what it takes away:{to_comments(summary)}"
