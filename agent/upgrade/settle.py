"""What an upgrade that was cut off has left is ended: taken back as long as the old version serves, finished after that."""

from __future__ import annotations

from agent.documents.errors import Failed, Unwritable
from agent.host.ports import Ports
from agent.upgrade import beside, journal, turnover
from agent.upgrade.journal import Journal, aside
from agent.upgrade.programs import BESIDE

NEW_FILES = f"{BESIDE.folder}/data"


def settled(ports: Ports) -> Journal | None:
    """The last upgrade, in which nothing is left to do; None when there is none. Raises Failed."""
    found = journal.load(ports)
    if found is None:
        return None
    if found.step == "checking":
        beside.removed(ports)
        journal.forget(ports)
        return None
    if found.step == "copying":
        taken_back(ports)
        return None
    if found.step == "switching":
        return switched(ports, found)
    if found.step == "reverting":
        reverted(ports, found)
        return None
    if found.step == "returning":
        return returned(ports, found)
    return _aged(ports, found)


def taken_back(ports: Ports) -> None:
    """Nothing has changed places yet: the live server writes again. Raises Failed."""
    turnover.writable(ports)
    beside.removed(ports)
    journal.forget(ports)


def switched(ports: Ports, found: Journal) -> Journal:
    """The new version serves; or, when it can't, the old one does. Raises Failed."""
    try:
        turnover.exchanged(ports, found.old, found.new, NEW_FILES)
    except (Failed, Unwritable) as error:
        reverted(ports, journal.note(ports, found, "reverting"))
        failure = error.failure if isinstance(error, Failed) else None
        remedy = failure.remedy if failure else "see the disk"
        raise Failed(
            "switch",
            f"PostgreSQL {found.new.major} does not serve: {error}",
            f"{remedy}; then run again",
            put_back=f"PostgreSQL {found.old.major} serves as before",
            log=failure.log if failure else (),
        ) from None
    made = journal.note(ports, found, "kept")
    beside.removed(ports)
    return made


def reverted(ports: Ports, found: Journal) -> None:
    """The old version serves, and nothing of the new one is left. Raises Failed."""
    turnover.exchanged(ports, found.new, found.old, aside(found.old.major))
    ports.files.remove_tree(aside(found.new.major))
    beside.removed(ports)
    journal.forget(ports)


def returned(ports: Ports, found: Journal) -> Journal:
    """The old version serves again, and the new one's files are kept. Raises Failed."""
    turnover.exchanged(ports, found.new, found.old, aside(found.old.major))
    return journal.note(ports, found, "returned")


def forgotten(ports: Ports, found: Journal) -> None:
    """The files that don't serve go; there is no way back after that. Raises Unwritable."""
    ports.files.remove_tree(found.aside)
    journal.forget(ports)
    ports.journal.log(f"upgrade of PostgreSQL: {found.aside} is removed")


def _aged(ports: Ports, found: Journal) -> Journal | None:
    if not found.over(ports.clock.now()):
        return found
    forgotten(ports, found)
    return None
