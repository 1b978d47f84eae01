"""One table of a database beside the live one comes into the live one, under another name: all of it or nothing."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable

from agent.documents.errors import Failed
from agent.restore import programs, queries
from agent.restore.work import Work, said

_DONE = "-- all of it --"


def copied(work: Work) -> tuple[str, int]:
    """What the table is called in the live database, and how many rows it has. Raises Failed."""
    wanted, target = work.wanted, work.target
    with said("copy", "drop what is there by that name, or restore the whole database"):
        lines = work.asked(queries.table(wanted.table), target.new)
        if not lines:
            cause = f"there was no table {wanted.table}, or it has no columns"
            raise Failed("copy", cause, "write it as SQL does: `public.orders`")
        found = json.loads(lines[0])
        (rows,) = work.asked(f"{found['count']};\n", target.new)
        out = programs.copied_out(work.server, work.image.id, target.new)
        gone = work.ports.asker.gone
        data = work.ports.pipes.flow([out], [f"{found['out']};\n".encode()], unless=gone)
        into = programs.as_owner(work.server, work.image.id, target.live.name)
        text = _statements(work, found, int(rows), data)
        answer = b"".join(work.ports.pipes.flow([into], text, unless=gone)).decode("utf-8", "replace")
    if _DONE not in answer.split("\n"):
        raise Failed("copy", "not all rows have come", "run again")
    return str(found["into"]), int(rows)


def _statements(
    work: Work, found: dict[str, str], rows: int, data: Iterable[bytes]
) -> Generator[bytes, None, None]:
    """What psql reads; the end comes only once all of the data has, and was whole."""
    begin = f"{queries.role(work.target.live.owner)}BEGIN;\nSET LOCAL statement_timeout = 0;\n"
    yield f"{begin}{found['create']};\n{found['in']};\n".encode()
    yield from data
    yield f"\\.\n\\set rows {rows}\n{found['whole']} \\gset\n".encode()
    yield f"\\if :whole\nCOMMIT;\n\\echo '{_DONE}'\n\\else\nROLLBACK;\n\\endif\n".encode()
