"""A restore as commands hear of it from the agent."""

from __future__ import annotations

from ops_servers import server

from ops.access import Server

DATA = Server("db1", "default", server(2).target, holds_data=True)
ID = "20261124T170000Z-00aa"
