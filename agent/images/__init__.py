"""Images in the host's store: brought here, pinned by digest, named by units, removed when nobody goes back to them.

In: a spec. Out: an `Image` that can't change any more.
"""
