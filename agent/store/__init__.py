"""Where backups are kept: the stores, what is sealed before it leaves, what is there, and what may go.

In: pieces of a dump, a name. Out: they are in a bucket, sealed and summed, or come back as they were; or StoreError, Damaged
say why not.
"""
