"""Errors of YAML's parser, in words that say what would be right."""

import re

import yaml

_SENTENCES = (
    (
        "mapping values are not allowed",
        "a ': ' cannot stand here: {indent}, a ':' is missing above, or text with a colon lacks quotes",
    ),
    (
        "block sequence entries are not allowed",
        "a list element ('- ') cannot begin here; begin it on a line of its own",
    ),
    ("did not find expected ',' or '}'", "the '{{' of line {line} is not closed, or a ',' is missing before this"),
    ("did not find expected ',' or ']'", "the '[' of line {line} is not closed, or a ',' is missing before this"),
    ("did not find expected '-'", "the list that begins on line {line} goes on here without a '- '"),
    (
        "did not find expected key",
        "this does not go on with what begins on line {line}: {indent}, or a bracket or quote is wrong",
    ),
    ("did not find expected node content", "a value or a closing bracket is missing here"),
    ("could not find expected ':'", "a ': ' is missing after the key of line {line}"),
    ("found unexpected end of stream", "the quote of line {line} is not closed"),
    ("found unexpected document indicator", "the quote of line {line} is not closed"),
    ("found unknown escape character", 'there is no such \\ escape in "..."; write the text in single quotes'),
    ("found character that cannot start any token", "text cannot begin with {character}; put quotes around it"),
)
_INDENT = "the line is not indented like its neighbours"


def explain(error: yaml.MarkedYAMLError, text: str) -> tuple[int, int, str]:
    """Line, column and what is wrong, for an error of YAML's parser."""
    lines = re.split("\r\n|\r|\n", text)
    mark = error.problem_mark or error.context_mark
    row, column = (mark.line, mark.column) if mark else (0, 0)
    if row >= len(lines) or (row == len(lines) - 1 and not lines[row] and row > 0):
        # The parser reports a missing end behind the text; the last line is what a reader can look at.
        row = max(index for index, line in enumerate(lines) if line.strip() or index == 0)
        column = len(lines[row].rstrip())
    column = min(column, len(lines[row]))
    if lines[row][column : column + 1] == "\t":
        return row + 1, column + 1, "there is a tab here; YAML indents with spaces only"
    begun = error.context_mark.line + 1 if error.context_mark else row + 1
    return row + 1, column + 1, _sentence(error.problem or "", error.context or "", begun, lines[row][column:])


def _sentence(problem: str, context: str, line: int, rest: str) -> str:
    for begin, sentence in _SENTENCES:
        if problem.startswith(begin):
            return sentence.format(line=line, indent=_INDENT, character=rest[:1] or "this")
    return f"this is not YAML: {problem}" + (f" ({context})" if context else "")
