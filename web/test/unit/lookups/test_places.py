"""What read_record finds in records of databases of places."""

from typing import Any

import pytest

from page_tracker.hits.hit import Place
from page_tracker.lookups.places import read_record

NESTED = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "subdivisions": [{"iso_code": "BE", "names": {"en": "Land Berlin"}}],
    "city": {"names": {"de": "Berlin", "en": "Berlin"}},
}


@pytest.mark.parametrize(
    "record, place",
    [
        (NESTED, Place("DE", "DE-BE", "Berlin")),
        ({"country": {"iso_code": "DE"}}, Place("DE")),
        ({"country_code": "de"}, Place("DE")),
        (
            {"country_code": "US", "state1": "California", "city": "Los Angeles"},
            Place("US", "California", "Los Angeles"),
        ),
        ({"country": "FR"}, Place("FR")),
        ({"country": {}, "registered_country": {"iso_code": "NL"}}, Place("NL")),
        ({"country": {"iso_code": 7}, "city": {"names": []}}, Place()),
        ({}, Place()),
    ],
)
def test_reads_nested_and_flat_records(record: dict[str, Any], place: Place) -> None:
    assert read_record(record) == place


def test_cuts_what_is_too_long() -> None:
    assert len(read_record({"country_code": "DE", "city": "x" * 999}).city) == 128
