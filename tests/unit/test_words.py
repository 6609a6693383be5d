"""What people read is in short sentences and in the words of docs/glossary.md.

The kind of fault: a long sentence that has to be read twice, and a private word for what networking has a word for.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.scenario import ROOT

PACKAGES = ("flows", "controller", "mininet_topos")
GLOSSARY = ROOT / "docs" / "glossary.md"
LONGEST = 30
"""Words in a sentence."""
RETIRED = re.compile(
    r"\b(wards?|holdings|primers?|tenures?|outlooks?|knocks?|(?:un)?proven|(?<!isolation )proofs?(?! of isolation)"
    r"|as it is told|shall hold|as it shall be|(?:is|be|are) not as (?:it|they) shall)\b",
    re.IGNORECASE,
)
"""Private words, and phrases of an old style. Only the isolation proof is a proof."""
RETIRED_NAME = re.compile(r"ward|holdings|primer|concerned|tenure|outlook|knock|told|heard_of|proven", re.IGNORECASE)
"""Parts of names."""


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _files() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """With their lines; those of attributes too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


def sentences(text: str) -> Iterator[str]:
    """Those of a docstring or page: no lines of examples, each item of a list by itself."""
    prose = "\n".join(line for line in _without_examples(text))
    for paragraph in re.split(r"\n\s*\n|\n\s*(?=[-*] |\d+\. |\|)|(?<=\|)\n", prose):
        for cell in paragraph.split("|") if paragraph.lstrip().startswith("|") else [paragraph]:
            yield from re.split(r"(?<=[.!?:])[)\"']? +(?=[A-Z`'\"(0-9*:])", " ".join(cell.split()))


def _without_examples(text: str) -> Iterator[str]:
    example = fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.lstrip().startswith("#") or (example and (not line.strip() or line.startswith("    "))):
            yield ""
        else:
            example = line.endswith("::")
            yield line


def _words(sentence: str) -> int:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", sentence)
    return len(re.findall(r"[^\s()]*\w[^\s()]*", plain))


def _long(text: str) -> list[str]:
    return [sentence for sentence in sentences(text) if _words(sentence) > LONGEST]


def test_sentences_are_found() -> None:
    text = "One (it is short). Two: a, b.\n\nHeading::\n\n    not this. Nor this.\n\n- Item one\n- Item two. End."
    assert list(sentences(text)) == [
        "One (it is short).",
        "Two: a, b.",
        "Heading::",
        "- Item one",
        "- Item two.",
        "End.",
    ]
    assert _long("word " * LONGEST) == []
    assert _long("word " * (LONGEST + 1)) != []


@pytest.mark.parametrize("package", PACKAGES)
def test_docstrings_have_no_sentence_of_more_than_30_words(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {_words(sentence)} words: {sentence}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, text in _docstrings(_tree(path))
        for sentence in _long(text)
    ]
    assert not found, "make two sentences of each:\n" + "\n".join(found)


def test_pages_have_no_sentence_of_more_than_30_words() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    found = [
        f"{path.relative_to(ROOT)}: {_words(sentence)} words: {sentence}"
        for path in pages
        for sentence in _long(path.read_text(encoding="utf-8"))
    ]
    assert not found, "make two sentences of each:\n" + "\n".join(found)


def test_nothing_has_a_retired_word() -> None:
    """In docstrings, comments and messages: in any line of the code, and of the pages but for the older decisions."""
    paths = [*_files(), ROOT / "README.md", *sorted({*(ROOT / "docs").glob("*.md")} - {GLOSSARY})]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if RETIRED.search(line)
    ]
    assert not found, "docs/glossary.md has other words for these:\n" + "\n".join(found)


def _names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Classes, functions, and attributes of objects and modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (
                (node.lineno, target.id) for target in targets if isinstance(target, ast.Name) and target.id.isupper()
            )


def test_no_name_has_a_retired_word() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in _files()
        for line, name in [(1, path.stem), *_names(_tree(path))]
        if RETIRED_NAME.search(re.sub("forward", "", name, flags=re.IGNORECASE))
    }
    assert not found, "docs/glossary.md has other words for these:\n" + "\n".join(sorted(found))


def test_each_class_function_and_module_of_the_glossary_exists() -> None:
    """Whatever the last column names. The kind of fault: a page that has lost what it speaks of."""
    there = {path.stem for path in _files()} | {path.parent.name for path in _files()}
    for path in _files():
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                there.add(node.name)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                there.add(node.target.id)
            elif isinstance(node, ast.Attribute):
                there.add(node.attr)
    rows = [line.split("|")[1:-1] for line in GLOSSARY.read_text().splitlines() if line.startswith("| ")]
    named = [name for row in rows for name in re.findall("`([^`]+)`", row[2])]
    assert len(named) > 50
    assert [name for name in named if name not in there] == []


def test_no_term_stands_in_the_glossary_twice() -> None:
    rows = [line.split("|")[1].strip() for line in GLOSSARY.read_text().splitlines() if line.startswith("| ")]
    terms = [term for row in rows if row not in ("term", "---") for term in row.split(", ")]
    assert len(terms) == len(set(terms))
