"""Looking and judging: `status` and `doctor` read what all rooms left on the host, and change nothing.

Out: documents for people and for the registry. Judgements are pure (`diagnosis`).
"""
