"""How far an upgrade is (`/var/lib/codeb/upgrade.json`): written before each step, so that whoever finds it can end it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, get_args

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import IMAGE, WHY, Reader
from agent.host import paths
from agent.host.ports import Ports

Step = Literal["checking", "copying", "switching", "reverting", "kept", "returning", "returned"]
KEPT: Final = timedelta(days=7)
"""How long the files that don't serve stay."""
AT: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Version:
    """A major version of PostgreSQL and the image that runs it here."""

    major: int
    image: str


@dataclass(frozen=True)
class Journal:
    """One upgrade from `old` to `new`.

    `checking`: nothing but files beside was touched. `copying`: the old server only reads. `switching`: the new one is to
    serve. `reverting`: it can't, and the old one is to. `kept`: the new one serves, the old files are kept. `returning`,
    `returned`: the old one is to serve again, does; the new files are kept. Kept is what is until `until`.
    """

    step: Step
    old: Version
    new: Version
    by: str
    at: str
    until: str = ""

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do but to let the kept files go in time."""
        return self.step in ("kept", "returned")

    @property
    def aside(self) -> str:
        """The folder of the files that don't serve, once it is settled."""
        return aside((self.new if self.step == "returned" else self.old).major)

    def over(self, now: datetime) -> bool:
        """Whether the kept files have been kept long enough."""
        return (
            self.settled and self.until != "" and datetime.strptime(self.until, AT).replace(tzinfo=UTC) < now
        )


def aside(major: int) -> str:
    """Where files of a version are while another one serves."""
    return f"{paths.POSTGRES}-{major}"


def load(ports: Ports) -> Journal | None:
    """None when there is none. Raises Failed."""
    content = ports.files.read(paths.UPGRADE)
    if content is None:
        return None
    try:
        return _read(Reader(json.loads(content), ""))
    except (ValueError, BadDocument) as error:
        remedy = f"see docs/postgres-upgrade.md (By hand), then delete {paths.UPGRADE}"
        raise Failed("observe", f"{paths.UPGRADE} can't be read: {error}", remedy) from None


def note(ports: Ports, journal: Journal, step: Step) -> Journal:
    """The next step begins: remembered before it does. Raises Unwritable."""
    until = f"{ports.clock.now() + KEPT:{AT}}" if step in ("kept", "returned") else ""
    made = replace(journal, step=step, until=until)
    document = {
        "version": 1, "step": made.step, "by": made.by, "at": made.at, "until": made.until,
        **{name: {"major": each.major, "image": each.image} for name, each in (("old", made.old), ("new", made.new))},
    }  # fmt: skip
    ports.files.write(paths.UPGRADE, json.dumps(document, indent=1).encode() + b"\n", 0o600)
    ports.journal.log(f"upgrade of PostgreSQL {made.old.major} to {made.new.major}: {step}")
    return made


def forget(ports: Ports) -> None:
    """There was no upgrade."""
    ports.files.remove(paths.UPGRADE)


def _read(reader: Reader) -> Journal:
    reader.version()
    step = reader.choice("step", *get_args(Step))
    found = Journal(
        step=next(each for each in get_args(Step) if each == step),
        old=_version(reader.child("old")),
        new=_version(reader.child("new")),
        by=reader.text("by", WHY),
        at=reader.text("at"),
        until=reader.text("until", default=""),
    )
    reader.end()
    if found.until:
        datetime.strptime(found.until, AT)
    return found


def _version(reader: Reader) -> Version:
    made = Version(reader.whole("major", 1, 999), reader.text("image", IMAGE))
    reader.end()
    return made
