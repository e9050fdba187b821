"""Stretches: which rows to read for some pieces of some files, so that nothing else is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from features.engines.duckdb import quoted
from features.keeping.pieces import Piece


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Pieces read together: ``where`` narrows the scan to them, ``part`` is the SQL of a row's piece in its file."""

    pieces: tuple[Piece, ...]
    where: str
    part: str


def stretches(wanted: Sequence[Piece], every: Sequence[Piece]) -> Iterator[Stretch]:
    """All whole files in one stretch, of each other file the pieces that follow each other in one."""
    keys = {piece.key for piece in wanted}
    files: dict[str, list[Piece]] = {}
    for piece in every:
        files.setdefault(piece.label, []).append(piece)
    whole = [file for file in files.values() if all(piece.key in keys for piece in file)]
    if whole:
        names = ", ".join(quoted(str(file[0].path)) for file in whole)
        where = f"WHERE filename IN ({names})" if len(whole) < len(files) else ""
        together = tuple(piece for file in whole for piece in file)
        yield Stretch(pieces=together, where=where, part=_parts(whole))
    for file in files.values():
        if file not in whole:
            yield from _runs(file, keys)


def _runs(file: Sequence[Piece], keys: set[str]) -> Iterator[Stretch]:
    run: list[Piece] = []
    for piece in (*file, None):
        if piece is not None and piece.key in keys:
            run.append(piece)
        elif run:
            first, end = run[0].first_row, run[-1].first_row + run[-1].rows
            where = f"filename = {quoted(str(run[0].path))} AND file_row_number >= {first} AND file_row_number < {end}"
            yield Stretch(pieces=tuple(run), where=f"WHERE {where}", part=_tree([p.first_row for p in run]))
            run = []


def _parts(files: Sequence[Sequence[Piece]]) -> str:
    cases = [
        f"WHEN {quoted(file[0].label)} THEN {_tree([piece.first_row for piece in file])}"
        for file in files
        if len(file) > 1
    ]
    return f"CASE _file {' '.join(cases)} ELSE 0 END" if cases else "0"


def _tree(firsts: Sequence[int]) -> str:
    """The SQL of the first row of the piece that a row lies in: few comparisons, however many pieces."""
    if len(firsts) == 1:
        return str(firsts[0])
    middle = len(firsts) // 2
    return f"CASE WHEN _row <= {firsts[middle]} THEN {_tree(firsts[:middle])} ELSE {_tree(firsts[middle:])} END"
