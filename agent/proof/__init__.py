"""Backups that were restored: the newest of each project, in a PostgreSQL that is thrown away, and its rows compared.

In: a project with a backup. Out: what the host and the stores remember of its proof; or Failed says what is wrong with the
backup, or why nobody could tell. Touches no live database.
"""
