"""Who administers PostgreSQL, Redis and MinIO: other passwords while they run, and the end of those before.

A bundle brings the new ones beside the old, before anything uses them; `settle` takes the old ones away, once nothing does.
"""
