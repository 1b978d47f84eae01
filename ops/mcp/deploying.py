"""The tool `deploy`. Its annotations are made when it is, for a server: so they are no texts in this module."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Protocol

import anyio
from mcp.server.mcpserver import Context, Elicit, ElicitationResult, Resolve
from pydantic import BaseModel, Field

from ops.mcp import changes
from ops.mcp.answers import Deployed
from ops.mcp.arguments import PlanId, StackName
from ops.mcp.changes import Caller
from ops.mcp.long import News, act
from ops.mcp.world import World
from ops.runs import Run


class Confirmation(BaseModel):
    """A person's answer in the client."""

    deploy: bool = Field(strict=True, description="Deploy it now?")


class Host(Protocol):
    """What the tool shares with the others (`ops.mcp.tools.Tools`)."""

    world: World
    one_run: anyio.Lock

    def stack(self, name: str) -> str:
        """The stack that is meant."""

    def caller(self, context: Context[Any, Any]) -> str:
        """Who acts."""


def deploy_tool(host: Host) -> Callable[..., Awaitable[Deployed]]:
    """`deploy`, which asks a person in the client where that counts as an approval."""

    def confirm(context: Context, plan_id: str, stack: str) -> Confirmation | Elicit[Confirmation]:
        if _can_ask(context) and _to_be_asked(host.world, host.stack(stack), plan_id):
            return Elicit(changes.question(plan_id), Confirmation)
        return Confirmation(deploy=False)

    async def deploy(
        context: Context,
        plan_id: PlanId,
        confirmation: Annotated[ElicitationResult[Confirmation], Resolve(confirm)],
        stack: StackName = "",
    ) -> Deployed:
        """Deploy what a preview said: takes its plan_id, on files that have not changed since, once.

        A person approves first, in the client or by `codeb approve`; without, it says what they have to do. Never try to
        approve yourself. When it is not ok, what served before still serves: call explain_failure.
        """
        answer = getattr(confirmation, "data", None)
        yes = isinstance(answer, Confirmation) and answer.deploy
        name, run, news = host.stack(stack), Run(), News()
        caller = Caller(host.caller(context), confirmed=yes)
        async with host.one_run:
            work = partial(changes.deploy, host.world, name, plan_id, caller, run, news)
            return await act(context, work, run.end, news)

    return deploy


def _can_ask(context: Context[Any, Any]) -> bool:
    """Whether the client shows forms to people."""
    capabilities = context.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def _to_be_asked(world: World, stack: str, plan_id: str) -> bool:
    """Whether an answer in the client counts, none was given at a terminal, and it would be of use."""
    counts = world.is_development(stack) and not changes.approved(world, stack, plan_id)
    return counts and not changes.unready(world, stack, plan_id)
