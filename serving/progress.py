"""Progress on stderr: one plain line per step, and a spinner while a step lasts where a person is watching."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape


class Progress:
    """Says what is done and what was done."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(escape(text))

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One step: a spinner while it lasts on a terminal, and a line with its time when it is done."""
        started = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(escape(title)):
                yield
        else:
            yield
        self.say(f"{title}: {time.monotonic() - started:.1f} s")
