"""A destination that is one file, replaced whole: what `file` and `calendar` have in common."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from serving.push.parcels import Parcel, Refusal
from serving.push.secret import Secrets
from serving.whole_file import whole


class Replaced:
    """Whoever derives from it has a ``path`` and says in ``write`` how the one parcel is written to a path."""

    path: Path

    @property
    def place(self) -> str:
        """The file."""
        return str(self.path)

    @property
    def is_lost(self) -> bool:
        """Whether somebody took the file away."""
        return not self.path.exists()

    def write(self, parcel: Parcel, path: Path) -> None:
        """Write what the file should hold."""
        raise NotImplementedError

    @contextmanager
    def opened(self, secrets: Secrets) -> Iterator["_Line"]:
        """Nothing is open before it is written."""
        yield _Line(self.path, self.write)


class _Line:
    def __init__(self, path: Path, write: Callable[[Parcel, Path], None]):
        self._path, self._write = path, write

    def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Refusal]:
        """Replace the file."""
        for parcel in parcels:
            with whole(self._path) as path:
                self._write(parcel, path)
        return ()

    def arrived(self, parcels: Sequence[Parcel]) -> Collection[str]:
        """Nothing: writing it again is the same."""
        return ()
