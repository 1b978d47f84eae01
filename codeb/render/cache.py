"""What a project's user may do in Redis, as ACL rules. The agent gives them to the user that it makes."""

from __future__ import annotations

from typing import Final

from codeb.plan import CachePlan

_ANY_KEY: Final = "~*"  # of the index that is selected: rules know no indexes

# Named one by one, so that what a newer Redis or a module brings (search, time series: both look across indexes) is denied
# until somebody has looked at it. Every command of the server is in tests/services/redis_commands.txt.
_SHARED: Final = (
    "-@all",
    *("+@keyspace", "+@string", "+@hash", "+@list", "+@set", "+@sortedset"),
    *("+@stream", "+@hyperloglog", "+@geo", "+@bitmap"),
    *("+@pubsub", "+@transaction", "+@scripting", "+@connection"),
    *("-@admin", "-@dangerous"),
    # Clients ask it when they connect. It tells numbers of the whole instance.
    "+info",
    *("+time", "+lolwut", "+acl|whoami", "+memory|usage"),
    # Other indexes.
    *("-move", "-copy", "-swapdb", "-select"),
    # Functions are the server's. Scripts are too, but only who has a script's hash can run it, and with his own rights.
    *("-function", "-fcall", "-fcall_ro", "-script", "+script|load", "+script|exists"),
    # Names of everybody's channels; how many listen to one whose name is known is told, Socket.IO asks.
    *("-pubsub", "+pubsub|numsub", "+pubsub|shardnumsub"),
    # Keys are tracked by name in all indexes at once: it tells the names of everybody's keys as they change.
    "-client|tracking",
)

_OWN: Final = (
    *("+@all", "-@admin", "-@dangerous", "+info"),
    *("+flushdb", "+flushall", "+keys", "+sort", "+sort_ro", "+restore"),
)


def cache_rules(cache: CachePlan, channel_prefix: str) -> tuple[str, ...]:
    """Rules of `ACL SETUSER` after the passwords.

    On a shared instance: the data of one index and the channels that start with `channel_prefix`. On the project's own:
    everything but administration.
    """
    if cache.dedicated:
        return (_ANY_KEY, "resetchannels", "&*", *_OWN)
    return (_ANY_KEY, "resetchannels", f"&{channel_prefix}*", *_SHARED, f"+select|{cache.index}")
