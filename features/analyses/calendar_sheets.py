"""What the calendar's tables hold."""

from typing import Final

import pandas as pd

from features.analyses.accounts_now import ARR, CALLED, OWNER
from features.analyses.answer import Field, Sheet

KINDS: Final = {
    "first steps": "guide its people",
    "check-in": "ask how far use has come",
    "renewal work": "report, open wishes, a date",
    "regular contact": "tell what is new",
}
"""Each kind of task, and what is done."""

ACCOUNT: Final = (
    Field(name="account_id", title="account", kind="text", meaning="the customer organisation"),
    CALLED,
    OWNER,
    ARR,
)

TASKS: Final = (
    *ACCOUNT,
    Field(name="tier", title="tier", kind="text", meaning="who looks after it"),
    Field(name="kind", title="due", kind="text", meaning=", ".join(KINDS)),
    Field(name="due", title="on", kind="date", meaning="the day on which it is due"),
    Field(name="closes", title="until", kind="date", meaning="the last day on which it is in time", apart=True),
    Field(name="state", title="state", kind="text", meaning="ahead, open or missed; not known without touches"),
    Field(name="what", title="what", kind="text", meaning="what is to be done", wraps=True),
)

RENEWALS: Final = (
    *ACCOUNT,
    Field(name="ends_on", title="renewal", kind="date", meaning="the end of its term"),
    Field(name="days_left", title="days left", kind="whole", meaning="until then"),
    Field(name="met_on", title="met on", kind="date", meaning="the last contact since the work should have begun"),
    Field(name="state", title="state", kind="text", meaning="done where somebody met them, open, or missed"),
    Field(name="use", title="use", kind="text", meaning="active, dormant or never active"),
)

ACTIVATION: Final = (
    *ACCOUNT,
    Field(name="since", title="since", kind="date", meaning="the first day of its first term"),
    Field(name="age", title="day", kind="whole", meaning="days since then"),
    Field(name="done", title="done", kind="whole", meaning="steps done"),
    Field(name="usual", title="usual", kind="whole", meaning="steps that accounts that stayed had done by then"),
    Field(name="behind", title="behind", kind="flag", meaning="whether it did fewer"),
    Field(name="missing", title="not yet", kind="text", meaning="the steps not done", wraps=True),
)

STEPS: Final = (
    Field(name="event", title="step", kind="text", meaning="what people do"),
    Field(name="retained_share", title="of who stayed", kind="share", meaning="accounts that stayed and did it early"),
    Field(name="lost_share", title="of who left", kind="share", meaning="accounts that left and did it early"),
    Field(name="usual_day", title="usual day", kind="number", meaning="the median day of the first time"),
)

EXPANSION: Final = (
    *ACCOUNT,
    Field(name="age", title="days since signing", kind="whole", meaning="since the first day of its first term"),
    Field(name="temperature", title="temperature", kind="number", meaning="by declared signs, 0 to 100"),
    Field(name="why", title="signs of buying", kind="text", meaning="which signs these are", wraps=True),
)

MISSED: Final = (
    Field(name="kind", title="window", kind="text", meaning="what it was for"),
    Field(name="windows", title="in a year", kind="whole", meaning="windows that closed in the past year"),
    Field(name="missed", title="missed", kind="whole", meaning="of them without any contact"),
    Field(name="share", title="share", kind="share", meaning="their share"),
)


def sheets(
    tasks: pd.DataFrame,
    renewals: pd.DataFrame,
    activation: pd.DataFrame,
    steps: pd.DataFrame,
    expansion: pd.DataFrame,
    missed: pd.DataFrame,
) -> tuple[Sheet, ...]:
    """The tables of the calendar, the due dates first."""
    return (
        _sheet("calendar", TASKS, tasks, 30),
        _sheet("renewals", RENEWALS, renewals, 20),
        _sheet("first days", ACTIVATION, activation, 20),
        _sheet("steps", STEPS, steps, None),
        _sheet("expansion", EXPANSION, expansion, 20),
        _sheet("missed", MISSED, missed, None),
    )


def _sheet(name: str, fields: tuple[Field, ...], frame: pd.DataFrame, most: int | None) -> Sheet:
    return Sheet(name=name, fields=fields, frame=frame[[one.name for one in fields]].reset_index(drop=True), most=most)
