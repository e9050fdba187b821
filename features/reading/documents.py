"""JSON documents that are not one to a line: an array, pages of a list object, or objects over several lines."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from features.reading.text import BrokenLine, opened

PROBED = 20
"""Lines looked at to tell JSON Lines from a document."""

Element = tuple[int, str]


def is_document(path: Path) -> bool:
    """Whether the file is a document rather than an object per line; a list object of one line is a document too."""
    with opened(path) as file:
        for line in islice((line for line in file if line.strip()), PROBED):
            if line.lstrip().startswith("["):
                return True
            try:
                value = json.loads(line)
            except ValueError:
                continue
            return not isinstance(value, dict) or is_list(value)
    return True


def is_list(value: dict[str, Any]) -> bool:
    """Whether an object is a page of a list: ``{"object": "list", "data": [...]}``."""
    return value.get("object") == "list" and isinstance(value.get("data"), list)


def elements(text: str) -> Iterator[Element | BrokenLine]:
    """Each object of the documents in a text, numbered from 1, as JSON on one line; lists are opened.

    What cannot be read is broken up to the end of its line; reading goes on with the next line that begins an object.
    """
    decoder = json.JSONDecoder()
    number, at = 0, _next(text, 0)
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError as fault:
            number += 1
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            yield BrokenLine(row=number, line=text[at:end], reason=f"it is not JSON: {fault}")
            at = _object(text, end)
            continue
        for element in _opened(value):
            number += 1
            if isinstance(element, dict):
                yield number, json.dumps(element, ensure_ascii=False)
            else:
                yield BrokenLine(row=number, line=json.dumps(element), reason="it is not a JSON object")
        at = _next(text, end)


def _opened(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value["data"]) if is_list(value) else [value]
    return [each for element in value for each in _opened(element)] if isinstance(value, list) else [value]


def _next(text: str, at: int) -> int:
    """Where the next document begins: after blanks and commas."""
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def _object(text: str, at: int) -> int:
    """Where the next line that begins an object starts."""
    while at < len(text):
        at = _next(text, at)
        if text.startswith("{", at):
            return at
        end = text.find("\n", at)
        at = len(text) if end < 0 else end
    return at
