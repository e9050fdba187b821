"""What the worklist may be asked for in a query string."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from serving import wire
from serving.book import Band
from serving.store import Choice


class WorklistQuery(wire.Body):
    """Which part of the worklist is wanted; names that are not known are refused."""

    top: Annotated[int, Field(ge=1, le=wire.MOST_ACCOUNTS)] | None = Field(None, description="the first so many (20)")
    bottom: Annotated[int, Field(ge=1, le=wire.MOST_ACCOUNTS)] | None = Field(None, description="the last so many")
    owner: str | None = None
    segment: str | None = None
    plan: str | None = None
    band: Band | None = None
    within_days: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        None, description="renewing within so many days"
    )
    cursor: str | None = Field(None, description="`next` of the page before, with the same choice")

    @model_validator(mode="after")
    def one_end(self) -> Self:
        """Refuse both ends at once."""
        if self.top is not None and self.bottom is not None:
            raise ValueError("top and bottom exclude each other")
        return self

    @property
    def size(self) -> int:
        """How many accounts stand on a page."""
        return self.bottom or self.top or 20

    def choice(self, after: tuple[int, bool] | None) -> Choice:
        """The choice it stands for, with one account more, which tells whether there is another page."""
        return Choice(
            owner=self.owner,
            segment=self.segment,
            plan=self.plan,
            band=self.band,
            within_days=self.within_days,
            bottom=self.bottom is not None,
            limit=self.size + 1,
            after=after,
        )
