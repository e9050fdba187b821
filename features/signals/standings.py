"""Standings: where the account's levels stand among the whole book, one entry for each level worth comparing."""

from features.signal import Family, Healthier, Signal, Standing


def standing(
    of: str, family: Family, what: str, windows: tuple[int, ...] = (), healthier: Healthier = "more"
) -> Signal:
    """The standing of another signal in some of its windows; ``what`` completes "more … than"."""
    over = " over {window} days" if windows else ""
    return Signal(
        name=f"{of}_standing",
        family=family,
        measure=Standing(of=of),
        windows=windows,
        meaning=f"share of the past year's books with less {what}",
        unit="share",
        healthier=healthier,
        reading=f"more {what} than {{now:percent}} of accounts{over}, {{before:percent}} before",
    )


SIGNALS = (
    standing("events", "frequency", "use", (28, 84, 182, 365)),
    standing("active_days", "frequency", "days of use", (28, 84, 182, 365)),
    standing("recency", "frequency", "days since the last use", (), "less"),
    standing("silence", "frequency", "silence for its own rhythm", (182,), "less"),
    standing("events_change", "frequency", "growth of use", (28, 84, 182)),
    standing("events_change_year", "frequency", "growth of use in a year", (84,)),
    standing("hours", "time_spent", "time spent", (28, 84)),
    standing("features", "adoption", "features used", (28, 84, 182, 365)),
    standing("kept_features", "adoption", "of its features kept", (84,)),
    standing("feature_evenness", "adoption", "evenly spread use", (84,)),
    standing("active_users", "seats", "people using it", (28, 84, 182, 365)),
    standing("users_change", "seats", "growth of people", (84, 182)),
    standing("champion_silence", "seats", "silence of the most active person", (182,), "less"),
    standing("seats_used", "seats", "of its seats used", (28, 84)),
    standing("price_per_active_user", "commercial", "cost for each person who uses it", (84,), "less"),
    standing("price_per_seat", "commercial", "cost for a seat", (), "neither"),
    standing("use_share_of_life", "lifecycle", "regular use", (365,)),
)
