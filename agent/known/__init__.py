"""What is secret here, as the collector of this host masks it: a file of regular expressions (`paths.KNOWN`).

In: values that are secret, of projects and of the platform. Out: the collector masks them. Without one there is no file.
"""
