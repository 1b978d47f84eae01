"""A project as the agent knows it: what a release asks for, what is remembered of it, and whether it is healthy.

In: the release's document, the record on disk, an app's answer. Out: `Spec`, `Release`, `Record`, `Verdict`.
Only `record` writes, and only its own two files.
"""
