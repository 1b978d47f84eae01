"""The MCP server `codeb-deploy` on standard input and output."""

from __future__ import annotations

from importlib import metadata
from typing import Final

from mcp.server.mcpserver import MCPServer

from ops.mcp.knowledge import INSTRUCTIONS, add_prompts, add_resources
from ops.mcp.tools import Tools
from ops.mcp.world import World

NAME: Final = "codeb-deploy"


def build(world: World) -> MCPServer:
    """The server with all that this world allows."""
    server = MCPServer(
        NAME,
        title="CodeB deployments",
        instructions=INSTRUCTIONS,
        version=metadata.version("codeb"),
        log_level="WARNING",
    )
    Tools(world).add_to(server)
    add_resources(server, world)
    add_prompts(server)
    return server


def serve(world: World) -> None:
    """Until the client goes."""
    build(world).run("stdio")
