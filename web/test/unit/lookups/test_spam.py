"""Which hosts are known for false referrers."""

import pytest

from page_tracker.lookups.spam import read_hosts, spam_finder


@pytest.mark.parametrize(
    "host, spam",
    [
        ("spam.test", True),
        ("a.b.spam.test", True),
        ("notspam.test", False),
        ("test", False),
        ("", False),
        ("spam.test.org", False),
    ],
)
def test_a_listed_host_covers_those_below_it(host: str, spam: bool) -> None:
    assert spam_finder({"spam.test"})(host) is spam


def test_reads_one_host_a_line() -> None:
    text = "# a list\n! made by hand\n\nSpam.test\nwww.other.test # why\n"
    assert read_hosts(text) == {"spam.test", "other.test"}


@pytest.mark.parametrize("line", ["<html>", "two words.test", "nodots"])
def test_says_which_line_is_no_host(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        read_hosts(f"spam.test\n{line}\n")
