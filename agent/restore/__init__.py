"""Backups → databases: a project's database as it was, beside the live one, checked, then in its place; and back again.

In: a project, and a backup or a moment. Out: the live database is what it was then and the one of before is kept beside it,
or nothing has changed and Failed says why. Touches no other project's.
"""
