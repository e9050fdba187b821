"""What is drawn by chance for a play: the columns in which the store tells it and the proof of plays reads it."""

from typing import Final

DRAWN: Final = ("play", "account_id", "contract_id", "segment", "band", "drawn_on", "arm", "risk", "arr")
"""The columns of what was drawn, a row for each play and term."""
