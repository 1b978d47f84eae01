"""Acting for other roles: a connected role that is no superuser becomes a member of them for a moment.

Statements and their order are those of terraform-provider-postgresql's helpers. Advisory locks keep
operations that touch the same role or database from running at the same time, also those of the plugin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg import sql

from lab.providers.postgresql.server import Server, Session


def lock_role(session: Session, role: str) -> None:
    """Hold a lock on the role and its members until the transaction ends."""
    failing = f"could not get advisory lock for role {role}"
    session.run(failing, "SET statement_timeout = 0")
    session.run(failing, "SELECT pg_advisory_xact_lock(oid::bigint) FROM pg_roles WHERE rolname = %s", [role])
    session.run(
        failing,
        "SELECT pg_advisory_xact_lock(member::bigint) FROM pg_auth_members "
        "JOIN pg_roles ON roleid = pg_roles.oid WHERE rolname = %s",
        [role],
    )


def lock_database(session: Session, database: str) -> None:
    """Hold a lock on the database until the transaction ends."""
    failing = f"could not get advisory lock for database {database}"
    session.run(failing, "SET statement_timeout = 0")
    session.run(
        failing, "SELECT pg_advisory_xact_lock(oid::bigint) FROM pg_database WHERE datname = %s", [database]
    )


@contextmanager
def owner_granted(server: Server, session: Session, owner: str | None) -> Iterator[None]:
    """Make the connected role a member of `owner` meanwhile, as CREATE DATABASE … OWNER needs."""
    if not owner:
        yield
        return
    with server.transaction() as lock:
        lock_role(lock, server.user)
        granted = grant_membership(session, owner, server.user)
        try:
            yield
        finally:
            if granted:
                revoke_membership(session, owner, server.user)


@contextmanager
def roles_granted(session: Session, roles: Sequence[str]) -> Iterator[None]:
    """Make the connected role a member of `roles` meanwhile, unless it is a superuser or they are."""
    current = str((session.row("could not find the current user", "SELECT CURRENT_USER") or [""])[0])
    if not roles or is_superuser(session, current):
        yield
        return
    granted, revoked = [], []
    for role in (role for role in roles if not is_superuser(session, role)):
        if revoke_membership(session, current, role):
            revoked.append(role)
        if grant_membership(session, role, current):
            granted.append(role)
    yield
    for role in granted:
        revoke_membership(session, role, current)
    for role in revoked:
        if role_exists(session, role):
            grant_membership(session, current, role)


def grant_membership(session: Session, role: str, member: str) -> bool:
    """Whether `member` had to be made a member of `role`."""
    if member == role or is_member(session, role, member):
        return False
    statement = sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(member))
    session.run(f"error granting role {role} to {member}", statement)
    return True


def revoke_membership(session: Session, role: str, member: str) -> bool:
    """Whether `member` was a member of `role`; it is not any more."""
    if member == role or not is_member(session, role, member):
        return False
    statement = sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(role), sql.Identifier(member))
    session.run(f"error revoking role {role} from {member}", statement)
    return True


def is_member(session: Session, role: str, member: str) -> bool:
    """Whether `member` may SET ROLE to `role`."""
    query = (
        "SELECT 1 FROM pg_auth_members WHERE pg_get_userbyid(roleid) = %s AND pg_get_userbyid(member) = %s"
    )
    if session.connection.info.server_version >= 160000:
        query += " AND set_option"
    return session.row("could not read role membership", query, [role, member]) is not None


def is_superuser(session: Session, role: str) -> bool:
    """Whether the role exists and is a superuser."""
    failing = f"could not check if role {role} is superuser"
    row = session.row(failing, "SELECT rolsuper FROM pg_roles WHERE rolname = %s", [role])
    return bool(row and row[0])


def role_exists(session: Session, role: str) -> bool:
    """Whether there is such a role."""
    failing = "could not check if role exists"
    return session.row(failing, "SELECT 1 FROM pg_roles WHERE rolname = %s", [role]) is not None


def database_exists(session: Session, database: str) -> bool:
    """Whether there is such a database."""
    failing = "could not check if database exists"
    return session.row(failing, "SELECT 1 FROM pg_database WHERE datname = %s", [database]) is not None
