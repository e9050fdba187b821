"""Traits: a data scientist's own columns of the table `traits`, as signals like any other.

A trait holds from its ``known_at`` until the next value of the account is known. A number is a signal of its own; a
category is a signal for each of its frequent levels, so that a model may weigh each of them apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from features.engines.duckdb import identifier, quoted
from features.errors import SettingsError
from features.facts import Facts
from features.grains_commercial import HELD
from features.signal import Healthier, Measure, Signal, SignalColumn

Form = Literal["number", "flag", "level"]

MOST_LEVELS = 8
"""Levels of a category that become signals: the most frequent ones; the others are none of these."""

FEWEST_ACCOUNTS = 5
"""A level that fewer accounts share says nothing beyond those accounts."""

KEYS = frozenset({"account_id", "known_at"})
FORMS: Mapping[str, Form] = {"DOUBLE": "number", "BOOLEAN": "flag"}


@dataclass(frozen=True, kw_only=True)
class Trait:
    """One signal out of the table: a number, a flag (yes or no), or whether a category is at a ``level``."""

    column: str
    form: Form = "number"
    level: str = ""
    healthier: Healthier = "neither"


@dataclass(frozen=True, kw_only=True)
class TraitMeasure(Measure):
    """The measure of a trait, which remembers what it came from."""

    trait: Trait


def hold(facts: Facts) -> None:
    """Make the table `HELD`: each account's traits, and from when until when they hold."""
    columns = sorted(facts.known.get("traits", frozenset()) - KEYS)
    last = "".join(f",\n  max({identifier(name)}) AS {identifier(name)}" for name in columns)
    kept = "".join(
        f",\n  last_value({identifier(name)} IGNORE NULLS) OVER told AS {identifier(held(name))}" for name in columns
    )
    facts.engine.execute(
        f"""CREATE OR REPLACE TABLE {HELD} AS
        SELECT account_id, known_at, lead(known_at) OVER told AS known_until{kept}
        FROM (SELECT account_id, known_at{last} FROM traits GROUP BY account_id, known_at)
        WINDOW told AS (PARTITION BY account_id ORDER BY known_at)"""
    )


def held(column: str) -> str:
    """The name of a trait in the table `HELD`: no trait can be taken for a column of Ebb's own."""
    return f"own {column}"


def find(facts: Facts, *, until: date, more: Sequence[str] = (), less: Sequence[str] = ()) -> tuple[Trait, ...]:
    """The traits that were known before a day, levels by how many accounts were at them then.

    ``more`` and ``less`` name those of which more is healthier, or less; SettingsError where they are no such traits.
    """
    types = {str(row[0]): str(row[1]) for row in facts.engine.rows("DESCRIBE traits")}
    columns = sorted(facts.known.get("traits", frozenset()) - KEYS)
    forms = {name: FORMS.get(types[name], "level") for name in columns}
    healthier = _healthier(forms, more, less)
    found: list[Trait] = []
    for name, form in forms.items():
        if form == "level":
            found += [Trait(column=name, form=form, level=level) for level in _levels(facts, name, until)]
        elif facts.engine.rows(f"SELECT 1 {_told(name, until)} LIMIT 1"):
            found.append(Trait(column=name, form=form, healthier=healthier.get(name, "neither")))
    return tuple(found)


def _told(column: str, until: date) -> str:
    return f"FROM traits WHERE known_at < DATE '{until}' AND {identifier(column)} IS NOT NULL"


def _levels(facts: Facts, column: str, until: date) -> list[str]:
    """The levels at which most accounts were last seen, the most frequent first."""
    rows = facts.engine.rows(
        f"""SELECT level FROM (
          SELECT account_id, arg_max({identifier(column)}, (known_at, {identifier(column)})) AS level
          {_told(column, until)} GROUP BY account_id)
        GROUP BY level HAVING count(*) >= {FEWEST_ACCOUNTS} ORDER BY count(*) DESC, level LIMIT {MOST_LEVELS}"""
    )
    return [str(level) for (level,) in rows]


def _healthier(forms: Mapping[str, Form], more: Sequence[str], less: Sequence[str]) -> Mapping[str, Healthier]:
    told: dict[str, Healthier] = {}
    for way, names in (("more", more), ("less", less)):
        for name in names:
            if name not in forms:
                raise SettingsError(f"traits.{way}: there is no trait {name}; there are {', '.join(forms) or 'none'}")
            if forms[name] == "level":
                raise SettingsError(f"traits.{way}: {name} is a category; only of a number can {way} be healthier")
            if name in told:
                raise SettingsError(f"traits.less: {name} is among traits.more too")
            told[name] = "more" if way == "more" else "less"
    return told


def signals(traits: Iterable[Trait]) -> tuple[Signal, ...]:
    """A signal for each trait; names that would be the same are numbered in order."""
    found: dict[str, Signal] = {}
    for trait in traits:
        plain = f"trait_{_word(trait.column)}" + (f"_is_{_word(trait.level)}" if trait.form == "level" else "")
        name, count = plain, 1
        while name in found:
            count += 1
            name = f"{plain}_{count}"
        found[name] = _signal(name, trait)
    return tuple(found.values())


def written(columns: Iterable[SignalColumn]) -> list[dict[str, Any]]:
    """What a model keeps of the traits among its columns, as JSON; `read` makes them again."""
    measures = [column.signal.measure for column in columns]
    return [asdict(measure.trait) for measure in measures if isinstance(measure, TraitMeasure)]


def read(kept: Iterable[Mapping[str, Any]]) -> tuple[Signal, ...]:
    """The signals of the traits that a model kept."""
    return signals(Trait(**trait) for trait in kept)


def _signal(name: str, trait: Trait) -> Signal:
    label, level = (text.replace("{", "{{").replace("}", "}}") for text in (_label(trait.column), trait.level))
    cell, needs = identifier(held(trait.column)), (f"traits.{trait.column}",)
    if trait.form == "level":
        # A whole number that came as a float is the same level.
        equal = f"CAST({cell} AS VARCHAR) IN ({quoted(trait.level)}, {quoted(trait.level + '.0')})"
        return Signal(
            name=name,
            family="traits",
            measure=TraitMeasure(
                grain="trait",
                sql=f"max(CASE WHEN {equal} THEN 1 WHEN {cell} IS NOT NULL THEN 0 END)",
                needs=needs,
                trait=trait,
            ),
            meaning=f"whether {_label(trait.column)} is {trait.level} (1) or not (0)",
            unit="yes or no",
            healthier=trait.healthier,
            reading=f"{label} {{now:is}} {level}",
        )
    flag = trait.form == "flag"
    return Signal(
        name=name,
        family="traits",
        measure=TraitMeasure(grain="trait", sql=f"max(TRY_CAST({cell} AS DOUBLE))", needs=needs, trait=trait),
        meaning=_label(trait.column),
        unit="yes or no" if flag else "as given",
        healthier=trait.healthier,
        reading=f"{{now:yes}} {label}" if flag else f"{label} is {{now}}, {{before}} four weeks earlier",
    )


def _label(column: str) -> str:
    return column.replace("_", " ").strip()


def _word(text: str) -> str:
    """A text as part of a signal's name: letters and digits of ASCII stay, others are told by their number."""
    plain = "".join(_letter(letter) for letter in text.strip().lower())
    return "_".join(part for part in plain.split("_") if part) or "empty"


def _letter(letter: str) -> str:
    if letter.isascii():
        return letter if letter.isalnum() else "_" if letter in " _-./" else f"_u{ord(letter):x}_"
    return f"_u{ord(letter):x}_"
