"""What the account has that the state does not know, and the other way round."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final

from codeb.fleet import records, remedies
from codeb.fleet.account import Account, Thing, attached
from codeb.fleet.differences import differences
from codeb.fleet.finding import Finding, Removal, Trouble
from codeb.fleet.kinds import DISK, FIREWALL, KINDS, RECORD, RULE, SERVER, SHARE, Kind
from codeb.fleet.marks import Whose, whose
from codeb.fleet.prices import Price, monthly
from codeb.fleet.records import Wanted
from codeb.fleet.state import Known, State
from codeb.fleet.values import is_id, number, shown, text, texts

_LOST: Final = "a lost reply or a killed run leaves such a one"


@dataclass(frozen=True)
class _Case:
    account: Account
    state: State
    owner: str
    stack: str
    price: Price
    under_way: bool
    needless: Callable[[Thing], bool]


def compare(
    account: Account,
    state: State,
    owner: str,
    stack: str,
    *,
    wanted: Collection[Wanted] | None = None,
    price: Price = monthly,
    under_way: bool = False,
    needless: Callable[[Thing], bool] = lambda _: False,
) -> tuple[Finding, ...]:
    """All findings, by kind in the order in which things can be removed; the counts of what is another stack's last.

    Args:
        owner: the stack's mark, `codeb-<stack>-<6 hex>`.
        wanted: the DNS records that the program declares; None when that is not known.
        needless: whether the settings want no such one (any more): then it is not worth taking back.
        under_way: an update runs now: what it is creating at the moment is no finding.
    """
    case = _Case(account, state, owner, stack, price, under_way, needless)
    if is_strange(account, state, owner):
        return (_strange(case), *_foreign(case))
    found = [finding for kind in KINDS for finding in _of_kind(case, kind, wanted)]
    return (*found, *_foreign(case))


def is_strange(account: Account, state: State, owner: str) -> bool:
    """Whether it must be another account: the state has servers or disks, and nothing in the account is this stack's.

    A deletion whose reply was lost leaves the network of its server, so an account that was only half destroyed is none.
    """
    known = state.by_key()
    lives = any(not each.doomed for kind in (SERVER, DISK) for each in state.of(kind))
    ours = ((each.kind, each.key) in known or whose(each, owner) is Whose.OURS for each in account)
    return lives and not account.unasked and not any(ours)


def _strange(case: _Case) -> Finding:
    cause = (
        f"it has nothing of what the state has, and nothing with the mark {case.owner}: either the key is another "
        "account's, or all was deleted by hand"
    )
    return Finding(
        Trouble.STRANGE, "the account of the API key", "", "", cause, remedies.other_key(case.stack)
    )


def _of_kind(case: _Case, kind: Kind, wanted: Collection[Wanted] | None) -> Iterable[Finding]:
    if kind in case.account.unasked:
        why = shown(case.account.unasked[kind])
        return [Finding(Trouble.UNASKED, kind.name, "", "", f"{why}: nothing is said of this kind")]
    things = {each.key: each for each in case.account.of(kind)}
    known = {each.key: each for each in case.state.of(kind)}
    unknown = [thing for key, thing in sorted(things.items()) if key not in known]
    found = [
        _gone(case, each)
        for key, each in sorted(known.items())
        if key not in things and not _within_gone(case, each)
    ]
    if kind is RECORD:
        found += records.strays(unknown, case.account, case.state, case.owner, case.stack, wanted)
    else:
        found += [each for thing in unknown for each in _stray(case, thing)]
    for key, each in sorted(known.items()):
        if key in things and not each.doomed:
            found += _changed(case, each, things[key])
    return found


def _within_gone(case: _Case, known: Known) -> bool:
    """A rule goes with its group: the group's finding speaks for it."""
    if known.kind is not RULE or FIREWALL in case.account.unasked:
        return False
    groups = {each.id for each in case.account.of(FIREWALL)}
    return known.within not in groups and any(each.id == known.within for each in case.state.of(FIREWALL))


def _gone(case: _Case, known: Known) -> Finding:
    cause = "the state has it, the account does not: it was deleted by hand, or a deletion's reply was lost"
    if known.doomed:
        cause = "it was replaced and is deleted, but the state still wants to delete it, which fails for ever"
    if known.kind.holds_data and not known.doomed:
        cause += ". Its data went with it: the next update makes an empty one, put a backup back"
    if known.kind is FIREWALL:
        cause += ". Its rules went with it"
    return Finding(
        Trouble.GONE, known.kind.name, known.key, known.name, cause,
        remedies.forget(case.stack, known.key, attached=known.kind is SERVER and not known.doomed),
    )  # fmt: skip


def _stray(case: _Case, thing: Thing) -> list[Finding]:
    """What the state does not know; nothing for what is not this stack's."""
    owned = whose(thing, case.owner)
    if thing.kind is RULE and owned in (Whose.NOBODY, Whose.FOREIGN) and _in_our_group(case, thing):
        return [_rule_by_hand(case, thing)]
    if owned is Whose.UNSURE:
        cause = "its label can be read as this stack's and as another one's: nothing here touches it"
        return [_finding(case, Trouble.UNSURE, thing, cause)]
    if owned is Whose.OURS and not is_id(thing.key):
        return [_finding(case, Trouble.UNSURE, thing, "it carries this stack's mark, but its id is none")]
    if owned is not Whose.OURS or _being_made(case, thing) or _goes_with_its_group(case, thing):
        return []
    holds = _holds(case, thing)
    twin = _twin(case, thing)
    if twin is not None:
        cause = f"the state has {shown(twin.key)} for it, and knows nothing of this one: {_LOST}"
        return [_finding(case, Trouble.TWICE, thing, cause, remedies.remove(case.stack, thing, holds))]
    cause = f"the state knows nothing of it: {_LOST}, or a refresh dropped it"
    if (thing.kind, thing.label) in case.state.creating:
        cause = "an update began to make it: wait while it runs; when none does, it was killed"
    if case.needless(thing):
        cause += ". The settings want no such one"
        return [_finding(case, Trouble.UNKNOWN, thing, cause, remedies.remove(case.stack, thing, holds))]
    return [_finding(case, Trouble.UNKNOWN, thing, cause, remedies.adopt_or_remove(case.stack, thing, holds))]


def _twin(case: _Case, thing: Thing) -> Known | None:
    """The one that the state has for the same purpose, and that the account has too."""
    there = {each.key for each in case.account.of(thing.kind)}
    known = (each for each in case.state.of(thing.kind) if each.key in there and not each.doomed)
    return next((each for each in known if _role_of_known(each) == _role(thing)), None)


def _goes_with_its_group(case: _Case, thing: Thing) -> bool:
    """A rule of a group that is itself too many."""
    return thing.kind is RULE and all(each.id != thing.within for each in case.state.of(FIREWALL))


def _being_made(case: _Case, thing: Thing) -> bool:
    return case.under_way and (thing.kind, thing.label) in case.state.creating


def _in_our_group(case: _Case, rule: Thing) -> bool:
    groups = {each.id for each in case.state.of(FIREWALL)}
    marked = {each.id for each in case.account.of(FIREWALL) if whose(each, case.owner) is Whose.OURS}
    return rule.within in groups | marked


def _rule_by_hand(case: _Case, rule: Thing) -> Finding:
    port, source = (
        " ".join(text(rule.data, name) for name in ("protocol", "port")),
        "/".join(text(rule.data, name) for name in ("subnet", "subnet_size")),
    )
    cause = f"it lets in {shown(port)} from {shown(source)}, which the program does not: somebody added it by hand"
    found = _finding(case, Trouble.EDITED, rule, cause, remedies.unmarked(case.stack, rule))
    return replace(found, removal=Removal.UNMARKED if is_id(rule.key) else Removal.NEVER)


def _role(thing: Thing) -> tuple[str, ...]:
    """What two resources have in common when one is a second one of the other."""
    if thing.kind is RULE:
        names = ("ip_type", "protocol", "port", "subnet", "subnet_size")
        return (thing.within, *(text(thing.data, name) for name in names))
    return (thing.role,)


def _role_of_known(known: Known) -> tuple[str, ...]:
    if known.kind is RULE:
        names = ("ipType", "protocol", "port", "subnet")
        size = number(known.inputs.get("subnetSize"))
        return (
            known.within,
            *(text(known.inputs, name) for name in names),
            "" if size is None else f"{size:.0f}",
        )
    return (known.role,)


def _changed(case: _Case, known: Known, thing: Thing) -> list[Finding]:
    """What somebody changed on a resource that both know."""
    labels = {each.id: each.label for each in case.account.of(SERVER)}
    gone = _gone_servers(case)
    wanted, has = _servers_of(case, known, thing)
    found = [
        _finding(
            case, Trouble.ELSEWHERE, thing,
            f"it is attached to {shown(labels.get(each, 'a server'))} ({shown(each)}), where the program does not want it",
            remedies.bring_back(case.stack, thing),
        )
        for each in sorted(has - wanted)
        if wanted
    ]  # fmt: skip
    if (
        known.kind is SERVER
        and thing.data.get("power_status") == "stopped"
        and thing.data.get("status") == "active"
    ):
        cause = "nothing answers on it: somebody stopped it, or it was shut down from within"
        found.append(_finding(case, Trouble.OFF, thing, cause, remedies.start(case.stack)))
    said = differences(known, thing, gone)
    if not any(each.trouble is Trouble.ELSEWHERE for each in found):
        said += [
            f"it is not attached to {shown(labels.get(each, each))}" for each in sorted(wanted - has - gone)
        ]
    loose = bool(wanted - has - gone)
    if known.kind is DISK and known.unfinished and not loose and not found:
        said.append("its last change failed half-way, and another is refused until the state knows how it is")
        loose = True
    if said:
        remedy = (
            remedies.attach(case.stack, thing)
            if known.kind is DISK and loose
            else remedies.put_right(case.stack)
        )
        found.append(_finding(case, Trouble.EDITED, thing, "; ".join(said), remedy))
    return found


def _gone_servers(case: _Case) -> set[str]:
    if SERVER in case.account.unasked:
        return set()
    return {each.id for each in case.state.of(SERVER)} - {each.id for each in case.account.of(SERVER)}


def _servers_of(case: _Case, known: Known, thing: Thing) -> tuple[set[str], set[str]]:
    """The servers that a disk or share should be attached to, and those that it is."""
    if known.kind is DISK and "attached_to_instance" in thing.data:
        wanted, has = {case.state.server_of(known)}, {text(thing.data, "attached_to_instance")}
    elif known.kind is SHARE and isinstance(thing.data.get("attachments"), list):
        wanted, has = set(texts(known.inputs.get("attachedInstances"))), set(attached(thing))
    else:
        return set(), set()
    return wanted - {""}, has - {""}


def _foreign(case: _Case) -> list[Finding]:
    known = case.state.by_key()
    count = sum(
        (each.kind, each.key) not in known and whose(each, case.owner) is Whose.FOREIGN
        for each in case.account
    )
    what = "1 resource carries" if count == 1 else f"{count} resources carry"
    return [Finding(Trouble.FOREIGN, f"{what} another stack's mark", "", "", "left alone")] if count else []


def _holds(case: _Case, thing: Thing) -> bool:
    return thing.kind.holds_data or bool(case.account.with_data_of(thing.id))


def _finding(case: _Case, trouble: Trouble, thing: Thing, cause: str, remedy: str = "") -> Finding:
    removal = Removal.MARKED if trouble in (Trouble.TWICE, Trouble.UNKNOWN) else Removal.NEVER
    return Finding(
        trouble, thing.kind.name, thing.key, thing.name, cause, remedy, text(thing.data, "date_created"),
        case.price(thing), _holds(case, thing), removal,
    )  # fmt: skip
