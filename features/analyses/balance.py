"""Balancing what people carry with few moves: always away from who carries most."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Carried:
    """An account, its owner, and the ``hours`` it takes; one that ``stays`` is only given away by nobody."""

    account_id: str
    owner: str
    segment: str
    hours: float
    stays: bool


@dataclass(frozen=True, kw_only=True)
class Move:
    """An account goes from its owner to a receiver."""

    account_id: str
    receiver: str


def balanced(accounts: Sequence[Carried], *, nobody: str, tolerance: float, most_moves: int) -> tuple[Move, ...]:
    """Moves after which loads are closer together; first what nobody owns is given to whoever carries least.

    Every move makes the larger of two loads smaller. It ends when all are within ``tolerance`` of the mean. An account
    goes where its segment is known if it can, and moves once. The same accounts give the same moves.
    """
    held: dict[str, list[Carried]] = defaultdict(list)
    for one in sorted(accounts, key=lambda one: one.account_id):
        held[one.owner].append(one)
    orphans = sorted(held.pop(nobody, []), key=lambda one: (-one.hours, one.account_id))
    if not held:
        return ()
    load = {owner: sum(one.hours for one in these) for owner, these in held.items()}
    known = {owner: {one.segment for one in these} for owner, these in held.items()}
    moves: list[Move] = []
    for one in orphans[:most_moves]:
        receiver = min(load, key=lambda owner: (load[owner], owner))
        load[receiver] += one.hours
        moves.append(Move(account_id=one.account_id, receiver=receiver))
    mean = sum(load.values()) / len(load)
    while len(moves) < most_moves:
        found = _next(held, load, known, mean, tolerance)
        if found is None:
            break
        one, receiver = found
        held[one.owner].remove(one)
        load[one.owner] -= one.hours
        load[receiver] += one.hours
        moves.append(Move(account_id=one.account_id, receiver=receiver))
    return tuple(moves)


def _next(
    held: dict[str, list[Carried]], load: dict[str, float], known: dict[str, set[str]], mean: float, tolerance: float
) -> tuple[Carried, str] | None:
    """The best move away from who carries most, to somebody below the mean; from the next where there is none."""
    for giver in sorted(load, key=lambda owner: (-load[owner], owner)):
        options = []
        for receiver in sorted(load):
            gap = load[giver] - load[receiver]
            far = max(abs(load[giver] - mean), abs(load[receiver] - mean)) > tolerance * mean
            if gap > 0 and far and load[receiver] < mean:
                able = [one for one in held[giver] if not one.stays and 0 < one.hours < gap]
                options += [(_cost(one, receiver, load, gap, known), one, receiver) for one in able]
        if options:
            _, one, receiver = min(options, key=lambda option: option[0])
            return one, receiver
    return None


def _cost(
    one: Carried, receiver: str, load: dict[str, float], gap: float, known: dict[str, set[str]]
) -> tuple[bool, float, float, str, str]:
    """Less is better: a known segment, who carries least, then what brings the two closest together."""
    return one.segment not in known[receiver], load[receiver], abs(one.hours - gap / 2), one.account_id, receiver
