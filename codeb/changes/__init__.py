"""What changes, and what people will notice of it: pure words for `pulumi preview`, `pulumi up` and whoever asks later.

In: summaries of what was and of what is wanted, what the agent says runs. Out: one line a project or server. A summary
holds no secret, so it may stand in a command's properties, in plain state and in a diff.
"""

from codeb.changes.bundle import bundle_line, bundle_summary, renewed_line
from codeb.changes.release import release_line
from codeb.changes.settings import release_marks, release_summary
from codeb.changes.summary import Digest, Summary, from_comments, to_comments

__all__ = [
    "Digest",
    "Summary",
    "bundle_line",
    "bundle_summary",
    "from_comments",
    "release_line",
    "release_marks",
    "release_summary",
    "renewed_line",
    "to_comments",
]
