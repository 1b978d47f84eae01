"""The verb `apply`: a host's bundle comes in; packages, folders, files and services are as it says, changing what differs.

What a host has beside projects belongs here; what one project has is `release`'s.
"""
