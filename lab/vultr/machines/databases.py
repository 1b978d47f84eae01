"""Managed databases: the lab's machines serve none, as no host in it could tell one from a server of its own."""

from __future__ import annotations

from lab.vultr.ports import DatabaseSpec, MachineError, Served


class NoDatabases:
    """What `lab.vultr.ports.Machines` says of them."""

    def make_database(self, database: DatabaseSpec) -> Served:
        raise MachineError("the lab's machines serve no databases: a test that needs one brings its own")

    def drop_database(self, database_id: str) -> None:
        """None was made."""
