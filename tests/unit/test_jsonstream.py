"""A stream of JSON objects, cut into messages."""

import json

from hypothesis import given
from hypothesis import strategies as st

from controller.jsonstream import Parser, Splitter

JSON = st.recursive(
    st.none() | st.integers() | st.text() | st.sampled_from(["}{", '"}{"', "\\", '{"a": "']),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
    max_leaves=5,
)
MESSAGES = st.lists(st.dictionaries(st.text(), JSON), min_size=1)
SIZES = st.integers(1, 20)


def stream_of(messages: list[object]) -> str:
    """Messages one behind the other, without half characters, which are no text."""
    return "".join(json.dumps(m, ensure_ascii=False) for m in messages).encode("utf-8", "replace").decode()


@given(MESSAGES, SIZES)
def test_a_stream_is_cut_into_its_messages(messages: list[object], size: int) -> None:
    text = stream_of(messages)
    stream = text.encode()
    splitter = Splitter()
    found = [message for at in range(0, len(stream), size) for message in splitter.feed(stream[at : at + size])]
    assert "".join(json.dumps(m, ensure_ascii=False) for m in found) == text


@given(MESSAGES, SIZES)
def test_a_parser_takes_one_message_and_leaves_the_rest(messages: list[object], size: int) -> None:
    text = stream_of(messages)
    found, at, parser = [], 0, Parser()
    while at < len(text):
        at += parser.feed(text[at : at + size])
        if parser.is_done():
            found.append(parser.finish())
            parser = Parser()
    assert "".join(json.dumps(m, ensure_ascii=False) for m in found) == text


def test_what_is_no_json_is_an_error() -> None:
    for text in ("hello", "{]}", '{"a" 1}', "}{"):
        parser = Parser()
        assert parser.feed(text) == len(text)
        assert parser.is_done()
        assert isinstance(parser.finish(), str)
    parser = Parser()
    assert parser.feed(" \n") == 2
    assert not parser.is_done()
    assert parser.feed(' {"a": 1} ') == 9
    assert parser.finish() == {"a": 1}
