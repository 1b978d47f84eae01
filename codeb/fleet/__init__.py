"""What a fleet at Vultr should be, and what the account has: compared, without any call.

Vultr's plugin makes a second resource when a reply is lost, drops balancers and DNS records from the state when a read
fails, and can't delete what is gone. The account is therefore compared with the state: `compare(account, state, owner,
stack)` names what is there twice, unknown, gone, edited by hand or attached elsewhere, each with the command that mends
it, and `say` puts it into lines. Nothing that another stack's mark is on is ever named for removal.

`arriving` tells which edges no visitor comes to before they serve. `read_state` reads what `pulumi stack export` prints;
`edits` changes such a document.
"""

from codeb.fleet.account import Account, Thing, attached
from codeb.fleet.arrivals import arriving
from codeb.fleet.compare import compare, is_strange
from codeb.fleet.finding import Finding, Removal, Trouble, say
from codeb.fleet.kinds import BY_NAME, BY_TYPE, KINDS, Kind
from codeb.fleet.marks import Whose, mark_of, owner_in, whose
from codeb.fleet.prices import Price, monthly
from codeb.fleet.records import Wanted
from codeb.fleet.state import Known, State, read_state

__all__ = [
    "BY_NAME", "BY_TYPE", "KINDS", "Account", "Finding", "Kind", "Known", "Price", "Removal", "State", "Thing", "Trouble",
    "Wanted", "Whose", "arriving", "attached", "compare", "is_strange", "mark_of", "monthly", "owner_in",
    "read_state", "say", "whose",
]  # fmt: skip
