"""Standings: where the account's levels stand among the whole book, one entry for each level worth comparing."""

from features.signal import Family, Healthier, Signal, Standing


def standing(
    of: str,
    family: Family,
    what: str,
    windows: tuple[int, ...] = (),
    *,
    healthier: Healthier = "more",
    comparison: str = "more",
) -> Signal:
    """The standing of another signal in some of its windows: ``what`` is ``comparison`` than at so many accounts."""
    over = " over {window} days" if windows else ""
    return Signal(
        name=f"{of}_standing",
        family=family,
        measure=Standing(of=of),
        windows=windows,
        meaning=f"share of the past year's books over which it stands: {what}",
        unit="share",
        healthier=healthier,
        reading=f"{what}{over}: {comparison} than at {{now:percent}} of accounts, {{before:percent}} before",
    )


def among_peers(of: str, family: Family, what: str, windows: tuple[int, ...]) -> Signal:
    """The standing of another signal among the accounts of the same segment and about the same age."""
    return Signal(
        name=f"{of}_among_peers",
        family=family,
        measure=Standing(of=of, among="peers"),
        windows=windows,
        meaning=f"share of the past year's looks at accounts of its segment and age over which it stands: {what}",
        unit="share",
        healthier="more",
        reading=f"{what} over {{window}} days: more than at {{now:percent}} of accounts of its segment and age, "
        "{before:percent} before",
    )


SIGNALS = (
    standing("events", "frequency", "use", (28, 84, 182, 365)),
    standing("active_days", "frequency", "days of use", (28, 84, 182, 365)),
    standing("recency", "frequency", "time since the last use", healthier="less", comparison="longer"),
    standing("silence", "frequency", "silence for its own rhythm", (182,), healthier="less", comparison="longer"),
    standing("events_change", "frequency", "growth of use", (28, 84, 182)),
    standing("events_change_year", "frequency", "growth of use in a year", (84,)),
    standing("hours", "time_spent", "hours spent", (28, 84)),
    standing("features", "adoption", "features used", (28, 84, 182, 365)),
    standing("kept_features", "adoption", "features kept", (84,)),
    standing("feature_evenness", "adoption", "spread of use over features", (84,)),
    standing("active_users", "seats", "people using it", (28, 84, 182, 365)),
    standing("users_change", "seats", "growth of people", (84, 182)),
    standing(
        "champion_silence",
        "seats",
        "silence of its most active person",
        (182,),
        healthier="less",
        comparison="longer",
    ),
    standing("seats_used", "seats", "share of its seats used", (28, 84)),
    standing(
        "price_per_active_user",
        "commercial",
        "price for each person who uses it",
        (84,),
        healthier="less",
        comparison="higher",
    ),
    standing("price_per_seat", "commercial", "price of a seat", healthier="neither", comparison="higher"),
    standing("use_share_of_life", "lifecycle", "regular use", (365,)),
    among_peers("features", "adoption", "features used", (28, 84)),
    among_peers("depth", "adoption", "things done by each person", (84,)),
)
