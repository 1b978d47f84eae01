"""Caddy, as far as a project sees it: its site, who answers its visitors, and whether they are really answered.

In: a spec and the address that is to serve. Out: files that Caddy reads, a reload at most, and none of it fails a request.
"""
