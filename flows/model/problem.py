"""What is wrong with a file, and where."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Literal

Severity = Literal["error", "warning"]

_SHOWN_LENGTH = 70
_COMPARED_NAMES = 2000
_LISTED_NAMES = 8


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a file: place (1-based line and column), what is wrong, what would be right."""

    file: str
    line: int
    column: int
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.message}"


class InvalidModel(Exception):  # noqa: N818 - it is what it says: a model that is not valid
    """A file that cannot be used, with everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def shown(text: str) -> str:
    """A user's text in quotes, cut when it is too long for a message."""
    return f"'{text}'" if len(text) <= _SHOWN_LENGTH else f"'{text[:_SHOWN_LENGTH]}...'"


def did_you_mean(word: str, known: Collection[str]) -> str:
    """``; did you mean 'x'?`` when a known word is close, else the few known words there are.

    Of very many known words only those that begin like the word are compared: comparing is slow.
    """
    compared: Collection[str] = known
    if len(known) > _COMPARED_NAMES:
        compared = list(islice((name for name in known if name[:1] == word[:1]), _COMPARED_NAMES))
    close = get_close_matches(word[:_SHOWN_LENGTH], list(compared), n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    if known and len(known) <= _LISTED_NAMES:
        return f"; known: {', '.join(sorted(known))}"
    return ""


def listed(names: Sequence[str]) -> str:
    """Names for people to read: of many the first, and how many more there are."""
    more = len(names) - _LISTED_NAMES
    return ", ".join(names[:_LISTED_NAMES]) + (f" and {more} more" if more > 0 else "")


def counted(number: int, one: str, many: str = "") -> str:
    """So many things, as in ``1 port`` and ``2 ports``. ``many``: the plural, where it is not ``one`` with an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
