"""What comes in and what goes out: a JSON document read strictly, failures as documents, secrets masked in both.

In: what verbs, host files and releases hand over as text. Out: values, or `BadDocument` and `Failed`. Touches nothing.
"""
