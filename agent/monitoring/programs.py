"""Programs that monitoring runs, as token lists."""

from __future__ import annotations


def killed_for_memory(after: str) -> list[str]:
    """What systemd says of units with processes that the kernel has killed for their memory; after a cursor, "" for all.

    The message is SD_MESSAGE_UNIT_OUT_OF_MEMORY of sd-messages.h, which systemd writes whatever `OOMPolicy=` says.
    """
    return [
        *("journalctl", "--quiet", "--no-pager", "--output=json", "--output-fields=UNIT"),
        *([f"--after-cursor={after}"] if after else []),
        *("MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef", "_PID=1"),
    ]
