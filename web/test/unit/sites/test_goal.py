"""Goals: what may be one."""

import pytest

from page_tracker.errors import SiteError
from page_tracker.sites.goal import new_goal


@pytest.mark.parametrize("currency", ["12$", "1 2", "€€€", "E R", "123", "EU", "EURO"])
def test_a_currency_is_three_letters(currency: str) -> None:
    with pytest.raises(SiteError) as refused:
        new_goal({"event": "buy", "currency": currency})
    assert refused.value.field == "currency"


def test_a_currency_may_be_written_small() -> None:
    assert new_goal({"event": "buy", "currency": "eur"}).currency == "EUR"
