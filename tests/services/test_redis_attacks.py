"""What one project can do to another through the Redis that they share, and what it can do to its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from agent.host.ports import RedisRefused
from tests.services.redis_server import Client, RedisServer
from tests.services.stack import Stack

COMMANDS = Path(__file__).with_name("redis_commands.txt")
OLD_RULES = (
    *("~*", "&*", "+@all", "-@admin", "-@dangerous", "+info"),
    *("-select", "-move", "-copy", "-swapdb", "+select|2"),
)
"""What a project's user was given before channels had prefixes."""


def table() -> dict[str, tuple[str, str]]:
    """Each command → what a shared instance and one of its own say to it."""
    rows = (line.split() for line in COMMANDS.read_text().splitlines() if not line.startswith("#"))
    return {name: (shared, own) for name, shared, own in rows}


def commands(server: Client) -> dict[str, int]:
    """Every command and subcommand that the server has → its number of words at least."""
    found: dict[str, int] = {}
    for name in server.do("COMMAND", "LIST"):
        row = server.do("COMMAND", "INFO", name)[0]
        subcommands = row[9] if len(row) > 9 else []
        found |= {each[0]: abs(each[1]) for each in subcommands or [row]}
    return {name.lower(): words for name, words in found.items()}


def verdict(admin: Client, user: str, command: str, words: int) -> str:
    parts = command.split("|")
    answer = admin.do("ACL", "DRYRUN", user, *parts, *["1"] * (words - len(parts)))
    return "denied" if "no permissions to run" in answer else "allowed"


def test_every_command_of_the_server_is_judged(shared: RedisServer, own: RedisServer) -> None:
    rows = table()
    for server, user, column in ((shared, "blog", 0), (own, "shop", 1)):
        admin = server.admin()
        found = commands(admin)
        assert not set(found) - set(rows), (
            "commands that nobody has looked at: add them to redis_commands.txt"
        )
        wrong = {
            name: verdict(admin, user, name, words)
            for name, words in found.items()
            if verdict(admin, user, name, words) != rows[name][column]
        }
        assert not wrong, f"{server.name} says otherwise than redis_commands.txt"


ATTACKS = {
    "select another index": ("SELECT", "3"),
    "move a key to another index": ("MOVE", "k", "3"),
    "copy a key to another index": ("COPY", "k", "k", "DB", "3"),
    "swap indexes": ("SWAPDB", "2", "3"),
    "empty all indexes": ("FLUSHALL",),
    "empty an index": ("FLUSHDB",),
    "hear everybody": ("PSUBSCRIBE", "*"),
    "hear a neighbour by pattern": ("PSUBSCRIBE", "food_delivery:*"),
    "hear a neighbour by a pattern that begins with the own prefix": ("PSUBSCRIBE", "blog:*", "food*"),
    "hear whose name goes on": ("PSUBSCRIBE", "blog*"),
    "hear a neighbour's channel": ("SUBSCRIBE", "food_delivery:orders"),
    "hear a neighbour's shard channel": ("SSUBSCRIBE", "food_delivery:orders"),
    "speak in a neighbour's channel": ("PUBLISH", "food_delivery:orders", "x"),
    "speak in a neighbour's shard channel": ("SPUBLISH", "food_delivery:orders", "x"),
    "speak in a channel without prefix": ("PUBLISH", "orders", "x"),
    "hear another index's keys change": ("PSUBSCRIBE", "__keyspace@3__:*"),
    "hear all keys change": ("PSUBSCRIBE", "__key*__:*"),
    "hear one key of another index change": ("SUBSCRIBE", "__keyspace@3__:session"),
    "switch keyspace notifications on": ("CONFIG", "SET", "notify-keyspace-events", "KEA"),
    "have invalidations of all keys sent": ("CLIENT", "TRACKING", "ON", "BCAST"),
    "have invalidations sent to somebody": ("CLIENT", "TRACKING", "ON", "REDIRECT", "1"),
    "list everybody's channels": ("PUBSUB", "CHANNELS"),
    "list everybody's shard channels": ("PUBSUB", "SHARDCHANNELS"),
    "count everybody's patterns": ("PUBSUB", "NUMPAT"),
    "load a function": ("FUNCTION", "LOAD", "#!lua name=x\nredis.register_function('f', function() end)"),
    "list functions": ("FUNCTION", "LIST"),
    "read functions": ("FUNCTION", "DUMP"),
    "delete a function": ("FUNCTION", "DELETE", "theirs"),
    "delete all functions": ("FUNCTION", "FLUSH"),
    "end a function": ("FUNCTION", "KILL"),
    "replace functions": ("FUNCTION", "RESTORE", "x"),
    "see what function runs": ("FUNCTION", "STATS"),
    "call a function": ("FCALL", "theirs", "0"),
    "call a function that only reads": ("FCALL_RO", "theirs", "0"),
    "delete all scripts": ("SCRIPT", "FLUSH"),
    "end a script": ("SCRIPT", "KILL"),
    "debug scripts": ("SCRIPT", "DEBUG", "SYNC"),
    "see others' connections": ("CLIENT", "LIST"),
    "end others' connections": ("CLIENT", "KILL", "USER", "food_delivery"),
    "wake a neighbour's blocked connection": ("CLIENT", "UNBLOCK", "1"),
    "stop everybody": ("CLIENT", "PAUSE", "1000"),
    "be spared from eviction": ("CLIENT", "NO-EVICT", "ON"),
    "see every command": ("MONITOR",),
    "see slow commands": ("SLOWLOG", "GET"),
    "read settings": ("CONFIG", "GET", "*"),
    "list users": ("ACL", "LIST"),
    "see refusals of others": ("ACL", "LOG"),
    "give oneself rights": ("ACL", "SETUSER", "blog", "+@all"),
    "debug the server": ("DEBUG", "SLEEP", "1"),
    "be a replica of it": ("PSYNC", "?", "-1"),
    "make it a replica": ("REPLICAOF", "127.0.0.1", "1"),
    "send keys elsewhere": ("MIGRATE", "127.0.0.1", "1", "k", "3", "1000"),
    "load a module": ("MODULE", "LOAD", "/tmp/x.so"),
    "end the server": ("SHUTDOWN", "NOSAVE"),
    "write its file": ("BGREWRITEAOF",),
    "see its memory": ("MEMORY", "STATS"),
    "see its latencies": ("LATENCY", "LATEST"),
    "list all keys at once": ("KEYS", "*"),
}


REFUSED = re.compile(
    r"NOPERM|ERR (DEBUG|MODULE) command not allowed|ERR This Redis command is not allowed from script|"
    r"ERR ACL failure in script|ERR The user executing the script can't |ERR Command not allowed inside a transaction"
)


@pytest.mark.parametrize("words", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("way", ["plainly", "in a script", "in a transaction"])
def test_a_neighbour_is_refused(shared: RedisServer, words: tuple[str, ...], way: str) -> None:
    app = shared.app("blog")
    if way == "plainly":
        answer = app.do(*words)
    elif way == "in a script":
        answer = app.do("EVAL", "return redis.call(unpack(ARGV))", "0", *words)
    else:
        assert app.do("MULTI") == "OK"
        answer = app.do(*words)
    assert REFUSED.match(str(answer)), answer
    assert shared.app("food-delivery-app").do("PING") == "PONG"


def test_a_project_talks_in_channels_of_its_own_prefix(shared: RedisServer) -> None:
    prefix = shared.stack.environment("blog")["REDIS_CHANNEL_PREFIX"]
    assert prefix == "blog:"
    listener, speaker, stranger = shared.app("blog"), shared.app("blog"), shared.app("food-delivery-app")
    assert listener.do("PSUBSCRIBE", f"{prefix}*") == ["psubscribe", f"{prefix}*", 1]
    assert listener.do("SUBSCRIBE", f"{prefix}news") == ["subscribe", f"{prefix}news", 2]
    assert listener.do("SSUBSCRIBE", f"{prefix}shard") == ["ssubscribe", f"{prefix}shard", 1]
    assert stranger.do("PSUBSCRIBE", "food_delivery:*")[0] == "psubscribe"
    assert speaker.do("PUBLISH", f"{prefix}news", "hello") == 2
    assert [listener.read()[0], listener.read()[0]] == ["message", "pmessage"]
    assert speaker.do("SPUBLISH", f"{prefix}shard", "hello") == 1
    assert listener.read() == ["smessage", f"{prefix}shard", "hello"]
    assert stranger.silent(0.2)
    assert speaker.do("PUBSUB", "NUMSUB", f"{prefix}news") == [f"{prefix}news", 1]


def test_libraries_find_what_they_need(shared: RedisServer) -> None:
    app = shared.app("blog")
    assert "redis_version" in app.do("INFO")
    assert app.do("CLIENT", "SETNAME", "worker") == "OK"
    sha = app.do("SCRIPT", "LOAD", "return redis.call('incr', KEYS[1])")
    assert app.do("SCRIPT", "EXISTS", sha) == [1]
    assert app.do("EVALSHA", sha, "1", "rate:1") == 1
    assert app.do("EVAL", "return redis.call('publish', ARGV[1], 'x')", "0", "blog:done") == 0
    assert app.do("XADD", "queue", "*", "a", "b")
    assert app.do("SET", "session:1", "x", "EX", "60") == "OK"
    assert app.do("SCAN", "0", "MATCH", "session:*", "COUNT", "1000")[1] == ["session:1"]
    assert app.do("MULTI") == "OK"
    assert app.do("GET", "session:1") == "QUEUED"
    assert app.do("EXEC") == ["x"]
    assert app.do("ACL", "WHOAMI") == "blog"
    assert shared.app("food-delivery-app").do("GET", "session:1") is None


def test_what_somebody_leaves_in_index_0_everybody_can_read(shared: RedisServer) -> None:
    """A known limit, told in the guide: connections start there, and Redis has no rule for indexes but that of SELECT."""
    environments = [shared.stack.environment(project) for project in ("blog", "food-delivery-app")]
    forgetful, neighbour = (
        Client(shared.port, (values["REDIS_USERNAME"], values["REDIS_PASSWORD"])) for values in environments
    )
    assert forgetful.do("SET", "forgotten", "x", "EX", "60") == "OK"
    assert neighbour.do("GET", "forgotten") == "x"
    assert shared.app("food-delivery-app").do("GET", "forgotten") is None


def test_rules_of_an_existing_user_get_narrower_without_a_failed_command(
    start_redis: Callable[..., RedisServer],
) -> None:
    server = start_redis("redis-0")
    assert server.grant("blog", rules=OLD_RULES) is True
    app, prefixed, unprefixed = server.app("blog"), server.app("blog"), server.app("blog")
    assert app.do("SET", "session:1", "x") == "OK"
    assert prefixed.do("SUBSCRIBE", "blog:news")[0] == "subscribe"
    assert unprefixed.do("SUBSCRIBE", "news")[0] == "subscribe"
    assert server.grant("blog") is False, "nothing is emptied"
    assert app.do("GET", "session:1") == "x", "a connection that is open goes on"
    assert app.do("PUBLISH", "blog:news", "x") == 1
    assert prefixed.read()[0] == "message"
    with pytest.raises((RedisRefused, ConnectionError)):
        unprefixed.read()
    assert app.do("FUNCTION", "LIST").startswith("NOPERM")
    assert server.app("blog").do("GET", "session:1") == "x"
    assert any("news" in str(row) for row in server.admin().do("ACL", "LOG")) is False
    assert server.app("blog").do("SUBSCRIBE", "news").startswith("NOPERM")
    assert any("news" in str(row) for row in server.admin().do("ACL", "LOG")), (
        "an operator can see who asks for it"
    )


@pytest.mark.parametrize(("instance", "project"), [("redis-0", "blog"), ("redis-shop", "shop")])
def test_a_server_that_leaves_takes_nothing_from_the_others(
    start_redis: Callable[..., RedisServer], instance: str, project: str
) -> None:
    server = start_redis(instance)
    server.grant(project, machine="a")
    app, listener = server.app(project), server.app(project)
    prefix = server.stack.environment(project)["REDIS_CHANNEL_PREFIX"]
    assert listener.do("SUBSCRIBE", f"{prefix}news")[0] == "subscribe"
    assert app.do("SET", "k", "v") == "OK"
    assert server.grant(project, machine="b") is False, "the second server empties nothing"
    server.revoke(project, "a")
    assert app.do("PUBLISH", f"{prefix}news", "x") == 1, "who listens goes on listening"
    assert server.app(project).do("GET", "k") == "v"
    server.revoke(project, "b")
    assert not [
        row
        for row in server.admin().do("ACL", "LIST")
        if f"user {server.stack.cache(project)['user']} " in row
    ]


def test_servers_are_noted_in_a_user_without_a_right_to_anything(
    start_redis: Callable[..., RedisServer],
) -> None:
    server = start_redis("redis-0")
    server.grant("blog", machine="a")
    key = next(row for row in server.admin().do("ACL", "LIST") if " (~codeb:server:" in row)
    noted = key.partition("(~")[2].split()[0]
    user = server.stack.cache("blog")["user"]
    refused = server.admin().do("ACL", "DRYRUN", user, "CONFIG", "GET", noted)
    assert "no permissions" in refused
    assert key.endswith("resetchannels -@all)")


def test_who_listens_without_prefix_can_be_seen_before_an_update(
    start_redis: Callable[..., RedisServer],
) -> None:
    server = start_redis("redis-0")
    server.grant("blog", rules=OLD_RULES)
    app = server.app("blog")
    app.do("SUBSCRIBE", "news")
    admin = server.admin()
    assert admin.do("PUBSUB", "CHANNELS") == ["news"]
    listening = [
        line for line in admin.do("CLIENT", "LIST", "TYPE", "PUBSUB").splitlines() if "user=blog" in line
    ]
    assert len(listening) == 1


def test_an_instance_of_its_own_is_the_project_s_but_for_administration(own: RedisServer) -> None:
    app, listener = own.app("shop"), own.app("shop")
    assert (
        app.do("FUNCTION", "LOAD", "#!lua name=x\nredis.register_function('f', function() return 7 end)")
        == "x"
    )
    assert app.do("FCALL", "f", "0") == 7
    assert app.do("SELECT", "1") == "OK"
    assert app.do("SET", "k", "v") == "OK"
    assert app.do("KEYS", "*") == ["k"]
    assert app.do("CLIENT", "TRACKING", "ON", "BCAST") == "OK"
    assert listener.do("PSUBSCRIBE", "*")[0] == "psubscribe"
    assert app.do("PUBLISH", "anything", "x") == 1
    for words in (
        ("CONFIG", "SET", "maxmemory", "0"),
        ("ACL", "LIST"),
        ("DEBUG", "SLEEP", "0"),
        ("MODULE", "LOAD", "x"),
        ("CLIENT", "KILL", "TYPE", "normal"),
        ("SHUTDOWN",),
        ("REPLICAOF", "127.0.0.1", "1"),
    ):
        assert REFUSED.match(app.do(*words)), words
    assert own.grant("shop") is False, "the next release empties nothing"
    assert app.do("GET", "k") == "v"
    assert own.admin().do("ACL", "DELUSER", "shop") == 1
    assert own.grant("shop") is True
    assert own.admin().do("INFO", "keyspace") == "# Keyspace\r\n", "who comes anew finds all indexes empty"


def test_nobody_else_can_log_in_to_an_instance_of_its_own(own: RedisServer, stack: Stack) -> None:
    stranger = stack.environment("blog")
    answer = Client(own.port).do("AUTH", stranger["REDIS_USERNAME"], stranger["REDIS_PASSWORD"])
    assert answer.startswith("WRONGPASS")
    assert Client(own.port).do("GET", "k").startswith("NOAUTH")
    assert stack.admin_password("redis-shop") != stack.admin_password("redis-0")


def test_a_password_of_a_colour_that_stands_by_stays_valid(start_redis: Callable[..., RedisServer]) -> None:
    server = start_redis("redis-0")
    server.grant("blog", also={sha256(b"before the rotation").hexdigest()})
    assert Client(server.port, ("blog", "before the rotation")).do("PING") == "PONG"
    assert server.app("blog").do("PING") == "PONG"
