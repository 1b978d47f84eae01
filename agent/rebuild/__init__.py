"""A second place → an empty data server: what the lost one had of all projects, one after the other.

In: the keys by which the second place is read. Out: databases and uploads as they were last, agents' histories and
certificates; or, of each project, why not. What is not empty is left alone, and what is back already stays as it is.
"""
