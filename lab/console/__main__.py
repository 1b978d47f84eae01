"""`python -m lab.console` vendors the chart library anew, after its pin was changed."""

from lab.console.vendored import vendored, write
from lab.host import Progress
from lab.host.paths import Folders

write(vendored(Folders.here(), Progress()))
