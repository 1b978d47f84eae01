"""A host's storage beside its root: data disks and shares that a bundle lists → they are mounted, their data untouched.

In: what a bundle lists (`spec`) and what is remembered of earlier runs. Out: mounted file systems, facts for `report`.
"""
