"""Connections to the PostgreSQL server that the provider is configured for."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from lab.providers.protocol import REMEDY, UNKNOWN, Properties, ProviderError

Row = TupleRow
Query = str | sql.SQL | sql.Composed
_REFUSED: Final = ("awsRdsIamAuth", "azureIdentityAuth", "gcpIamImpersonateServiceAccount", "clientcert")
_OLDEST: Final = 120000
_FALSE: Final = ("false", "False", "0", False)


@dataclass
class Session:
    """One connection. Errors come out as ProviderError, as the plugin words them: what was tried, `pq: …`."""

    connection: psycopg.Connection[Row]

    def run(self, failing: str, query: Query, params: Sequence[Any] = ()) -> None:
        """Execute a statement; `failing` begins the error message, as in "error creating role x"."""
        self._execute(failing, query, params)

    def row(self, failing: str, query: Query, params: Sequence[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        return self._execute(failing, query, params).fetchone()

    def column(self, failing: str, query: Query, params: Sequence[Any] = ()) -> list[Any]:
        """The first column of all rows."""
        return [row[0] for row in self._execute(failing, query, params).fetchall()]

    def encrypted(self, password: str, role: str) -> str:
        """The password as the server will store it, so that its log never sees it in the clear."""
        if password.startswith("SCRAM-SHA-256$") or (password.startswith("md5") and len(password) == 35):
            return password
        return self.connection.pgconn.encrypt_password(password.encode(), role.encode()).decode()

    def _execute(self, failing: str, query: Query, params: Sequence[Any]) -> psycopg.Cursor[Row]:
        statement = sql.SQL(query) if isinstance(query, str) else query
        try:
            return self.connection.execute(statement, params or None)
        except psycopg.Error as error:
            raise ProviderError(f"{failing}: {reason(error)}") from None


def reason(error: psycopg.Error) -> str:
    """The server's message without the statement, which may hold a password."""
    if error.diag.message_primary is None:
        return str(error).strip()
    return f"pq: {error.diag.message_primary} ({error.diag.sqlstate})"


class Server:
    """Where and as whom to connect. Every operation opens connections of its own and leaves none behind."""

    def __init__(self) -> None:
        self._config: Properties = {}
        self._open: set[psycopg.Connection[Row]] = set()
        self._lock = threading.Lock()
        self._cancelled = False

    def configure(self, config: Properties) -> None:
        """Take the provider's configuration (strings, as Pulumi keeps it); connects later.

        Raises:
            ProviderError: it asks for a way to connect that the lab does not have.
        """
        refused = [key for key in _REFUSED if config.get(key) not in (None, *_FALSE, "")]
        if refused or config.get("scheme") not in (None, "postgres", UNKNOWN):
            names = ", ".join(refused or ["scheme"])
            raise ProviderError(f"the lab has no stand-in for {names} of the postgresql provider; {REMEDY}")
        self._config = dict(config)

    @property
    def database(self) -> str:
        """The database to connect to where a resource names none."""
        return str(self._config.get("database") or "postgres")

    @property
    def user(self) -> str:
        """The connected role, as the server knows it."""
        return str(self._config.get("databaseUsername") or self._config.get("username") or "postgres")

    @property
    def is_superuser(self) -> bool:
        """What the program says of the connected role; without a word, that it is one."""
        return self._config.get("superuser") not in _FALSE

    @contextmanager
    def session(self, database: str | None = None) -> Iterator[Session]:
        """A connection where each statement commits by itself."""
        with self._connection(database) as connection:
            connection.autocommit = True
            yield Session(connection)

    @contextmanager
    def transaction(self, database: str | None = None) -> Iterator[Session]:
        """A connection with one transaction, committed at the end, rolled back on an error."""
        with self._connection(database) as connection:
            yield Session(connection)
            try:
                connection.commit()
            except psycopg.Error as error:
                raise ProviderError(f"could not commit transaction: {reason(error)}") from None

    def cancel(self) -> None:
        """Cancel running statements; nothing connects any more."""
        with self._lock:
            self._cancelled = True
            for connection in self._open:
                connection.cancel_safe(timeout=2)

    @contextmanager
    def _connection(self, database: str | None) -> Iterator[psycopg.Connection[Row]]:
        if self._cancelled:
            raise ProviderError("cancelled")
        try:
            connection = psycopg.connect(**self._parameters(database))
        except psycopg.Error as error:
            host = self._config.get("host")
            raise ProviderError(
                f"error connecting to PostgreSQL server {host} (scheme: postgres): {str(error).strip()}"
            ) from None
        if connection.info.server_version < _OLDEST:
            connection.close()
            raise ProviderError(f"the lab's stand-in knows PostgreSQL 12 and later; {REMEDY}")
        with self._lock:
            self._open.add(connection)
        try:
            yield connection
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _parameters(self, database: str | None) -> dict[str, Any]:
        given = self._config
        sslmode = given.get("sslmode") or given.get("sslMode") or "require"
        root = given.get("sslrootcert") or ("system" if str(sslmode).startswith("verify") else None)
        parameters = {
            "host": given.get("host"),
            "port": given.get("port"),
            "user": given.get("username") or "postgres",
            "password": given.get("password"),
            "dbname": database or self.database,
            "sslmode": sslmode,
            "sslrootcert": root,
            "connect_timeout": given.get("connectTimeout"),
        }
        unknown = [key for key, value in parameters.items() if value is UNKNOWN]
        if unknown:
            raise ProviderError(f"the postgresql provider's {', '.join(unknown)} is not known yet")
        return {key: str(value) for key, value in parameters.items() if value is not None}
