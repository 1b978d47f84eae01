"""Databases → stores: a dump of a project's database, sealed and read back; which backups there are; which may go.

In: a project. Out: a backup in every store that could be reached, and what the host remembers of it; or Failed.
"""
