"""Continuous archiving of the whole PostgreSQL cluster, and instances recovered from it.

In: what `pg_receivewal` writes into the spool, and what PostgreSQL says of its slot. Out: sealed objects in the stores
(`cluster/<system id>/…`), and from them a throwaway instance as of a moment. Touches no project and never the live data.
"""
