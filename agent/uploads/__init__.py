"""Buckets of projects → stores: each object once, sealed, and for each run a list of what was there.

In: a bucket. Out: every object of it is in every store that could be reached, and a list that says which were there; or an
object of a list, back as it was. What was deleted since stays for as long as a list names it.
"""
