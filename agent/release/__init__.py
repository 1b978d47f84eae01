"""The verbs `release` and `rollback`: a release's document comes in; it serves, or the old one serves as before.

The procedure is the table in `machine`; `drive` runs it, `perform` carries out, the other modules are one step each.
"""
