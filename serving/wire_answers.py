"""What goes over the wire of questions about the whole book."""

from datetime import date, datetime

from pydantic import Field, JsonValue

from features.analyses.answer import Kind
from serving.wire import Body


class Analysis(Body):
    """A question about the whole book, and when it was last answered."""

    name: str
    asks: str
    made_at: datetime | None = Field(description="null: never; `ebb analyse` answers it")
    cutoff: date | None


class Analyses(Body):
    """Every question that can be asked."""

    analyses: list[Analysis]


class SheetField(Body):
    """A column of a sheet."""

    name: str
    title: str
    kind: Kind
    meaning: str


class AnswerSheet(Body):
    """A table of an answer, or its beginning."""

    name: str
    fields: list[SheetField]
    rows: list[dict[str, JsonValue]]
    left: int = Field(description="how many rows more there are")


class AnalysisAnswer(Body):
    """What an analysis found when it was last asked: sentences, tables and a chart."""

    name: str
    asks: str
    made_at: datetime
    cutoff: date
    asked: dict[str, JsonValue] = Field(description="the options it was asked with")
    says: list[str]
    sheets: list[AnswerSheet]
    chart: dict[str, JsonValue] | None = Field(description="Vega-Lite, with its data")
