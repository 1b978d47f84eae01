"""A project's database moves between this server and Vultr's managed PostgreSQL, and is nowhere else meanwhile.

`move` (the verb) → `copying` (one side's data comes to the other), `sums` (both are the same) → `work` (who may connect) →
`sides` (where both are, as whom they are asked) → `record` (what is remembered of it).
"""
