"""The lab host that watches itself: what that holds and uses, and what requests notice of it."""
