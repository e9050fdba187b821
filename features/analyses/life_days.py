"""The days of an account's life that customer-success practice goes by; defaults, each configurable."""

from typing import Final

CRITICAL_WINDOW_DAYS: Final = 30
"""In so many days people must come to use the product."""

CHECK_IN_DAYS: Final = (14, 28, 42, 56)
"""Days after the start: a visit every two weeks in the first two months."""

LONG_TERM_DAYS: Final = 180
"""Shorter terms begin too often for check-ins in each."""

RENEWAL_WORK_DAYS: Final = 90
"""Renewal work begins so many days before the end: enough to solve what bothers a customer, or to leave for another."""

LAST_WEEK_DAYS: Final = 7
"""A first contact later than that before the end comes too late."""

EXPANSION_DAYS: Final = (90, 365)
"""Between these days after signing an account may buy more."""

KEY_DAYS: Final = 91
"""Key accounts are met at least quarterly."""

SHARED_DAYS: Final = 182
PROGRAMME_DAYS: Final = 0
"""Accounts that get programmes are written to in batches: nobody is due to visit them."""
