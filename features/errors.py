"""What can go wrong, as one tree.

    EbbError                 every fault that Ebb can name; the command line prints it as one line and exits with 1
    ├── SettingsError        ebb.toml, an option or an environment variable is wrong
    ├── SourceError          a place facts come from cannot be read: folder, file, column
    ├── DataError            the facts contradict themselves or are too few to learn from
    ├── ModelError           a model is missing, does not fit the data, or cannot be loaded
    ├── StoreError           the score store cannot be read or written
    └── PushError            a destination does not take what it is sent
        ├── TransientError   trying again may help: it is throttled or away
        └── TerminalError    trying again cannot help: a wrong setting, credentials that are refused

Each message names the wrong thing, the file and row where there is one, and what exists instead.
"""


class EbbError(Exception):
    """A fault that a person can mend; the message is one line and says how."""


class SettingsError(EbbError):
    """A setting is unknown, of the wrong type or out of range."""


class SourceError(EbbError):
    """A source cannot be read."""


class DataError(EbbError):
    """The facts cannot be learnt from."""


class ModelError(EbbError):
    """No model answers, or the one found does not fit."""


class StoreError(EbbError):
    """Scores cannot be kept or found."""


class PushError(EbbError):
    """A destination does not take what it is sent."""


class TransientError(PushError):
    """Trying again may help; ``after`` seconds where the destination says when."""

    def __init__(self, message: str, *, after: float | None = None):
        super().__init__(message)
        self.after = after


class TerminalError(PushError):
    """Trying again cannot help before a person has mended something."""


LONGEST_REASON = 200
"""How much of what another program says of a fault is repeated."""


def first_line(error: Exception) -> str:
    """What a fault says first; the statements and parameters that databases add are for their own logs."""
    return str(error).strip().partition("\n")[0][:LONGEST_REASON]
