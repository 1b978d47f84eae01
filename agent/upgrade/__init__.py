"""PostgreSQL of one major version → the same databases in another one's files, which serve; and back again.

In: the image of the new version. Out: the new version serves and the old files are kept beside, or the old one serves as
before and Failed says why. Whatever it is killed at, the next run ends it (`settle`).
"""
