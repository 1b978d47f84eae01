"""`codeb mcp`: the same functions as the commands, for AI assistants. Needs the extra `mcp`."""
