"""Fields are what the standard library reads, only sooner."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from page_tracker.protocols.query_string import fields_in

QUERIES = st.lists(st.sampled_from("a b = & ; % + %2 %41 %ff é %C3%A9 / ?".split()))


@given(QUERIES.map("".join))
@example("a=" + "%41" * 300 + "&b&&c=1+2&=x")
def test_fields_are_those_of_the_standard_library(query: str) -> None:
    read = parse_qsl(query, keep_blank_values=True, errors="replace")
    assert fields_in(query, 1_000) == read


def test_no_more_are_read_than_may_be() -> None:
    assert fields_in("a=1&b=2", 2) == [("a", "1"), ("b", "2")]
    with pytest.raises(ValueError, match="at most 2"):
        fields_in("a=1&b=2&c=3", 2)
