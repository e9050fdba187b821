"""Beginning: a settings file, a simulated market."""

from pathlib import Path
from typing import Annotated

import typer

from serving.config import FILE
from serving.config_file import write
from serving.progress import Progress


def init(
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The file to write.")] = Path(FILE),
) -> None:
    """Write a commented ebb.toml; an existing one is left alone."""
    write(config)
    Progress().say(f"wrote {config}; every setting in it stands at its default")


def simulate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write the tables to.")],
    accounts: Annotated[int, typer.Option(min=1, help="How many accounts.")] = 600,
    months: Annotated[int, typer.Option(min=1, max=240, help="How many months are recorded.")] = 36,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same market.")] = 7,
    faults: Annotated[list[str] | None, typer.Option("--fault", help="An instrumentation fault to put in.")] = None,
) -> None:
    """Write a simulated market whose truth is known; the truth stands apart in OUT/truth."""
    from features.sources.simulated import MarketSettings
    from features.sources.simulated import simulate as simulated
    from features.sources.simulated import write as write_market

    settings = MarketSettings(accounts=accounts, months=months, seed=seed, faults=tuple(faults or ()))
    with Progress().step(f"simulate {accounts} accounts over {months} months into {out}"):
        write_market(simulated(settings), out)
