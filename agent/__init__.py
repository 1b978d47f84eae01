"""`codeb-agent`: the only code of the project that runs on a host.

One JSON document in, one out; the standard library only; no daemon. `cli` has the table of verbs; each room says in its
`__init__` what it is for, and the arrow between them is a contract in pyproject.toml: what a host runs (`release`,
`bundle`, …) stands on what it knows of a project, that on `host`, the ports through which all effects go.

A new verb is a module in the room of its subject and a line in `cli`. A new subject is a room: beside `release` and
`bundle` when it changes a host, in or beside `report` when it only looks (metrics).
"""
