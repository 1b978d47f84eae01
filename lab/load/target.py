"""What a load is put on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.load.surface import PROBE, Surface


@dataclass(frozen=True)
class Target:
    """An app: its name, the address and port that answer for it, the CA that its certificate is checked against, and what it
    can be asked.

    Whatever the port, the app is asked as visitors ask it: its URLs name none.
    """

    host: str
    address: str
    ca: Path
    port: int = 443
    surface: Surface = PROBE

    @property
    def url(self) -> str:
        """What the app's URLs begin with."""
        return f"https://{self.host}"

    @property
    def detour(self) -> str:
        """Where curl and vegeta go instead of where the URL says: host and port, then address and port."""
        return f"{self.host}:443:{self.address}:{self.port}"
