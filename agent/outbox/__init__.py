"""What people and Sentry are told. In: events. Out: messages, spooled as files at once and delivered by a run of their own.

Nothing here fails a release, and nothing that waits for the network runs in one.
"""
