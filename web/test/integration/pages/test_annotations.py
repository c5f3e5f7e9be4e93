"""What happened on a day: written under the chart, by a form or a command."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest

from page_tracker import app as app_module
from page_tracker.people.roles import Role
from page_tracker.store.tokens import Tokens
from support.people import Visitor, signed_in

SITE = "a.example"
TODAY = f"{datetime.now(UTC):%Y-%m-%d}"
PAYLOADS = (
    "<script>document.title='run'</script>",
    '"><img src=x onerror=alert(1)>',
    "</bdi></li></ol></main>",
    "\u202egnp.exe\u2066 שלום"[1:8],
    "{{7*7}}",
)


@pytest.fixture
def eve() -> Visitor:
    """An editor of the site, which began long ago."""
    app_module.sites().add(SITE, {})
    return signed_in("eve", Role.EDITOR, [SITE])


def notes(page: str) -> list[str]:
    """What stands in the list under the chart."""
    found = re.findall(r'<li id="note-\d+" [^>]*><span>(.*?)</span>', page)
    return [html.unescape(re.sub("<[^>]*>", "", each)) for each in found]


def annotate(person: Visitor, text: str, date: str = TODAY, **more: str) -> str:
    answer = person.post(f"/{SITE}/annotations", date=date, text=text, **more)
    assert answer.status_code == 303, answer.text
    return answer.location


def test_a_note_is_written_marked_changed_and_removed(eve: Visitor) -> None:
    query = "?period=7d&metric=visits"
    where = annotate(eve, "a new shop", time="10:15", query=query, back="//evil")
    assert where == f"/{SITE}?period=7d&metric=visits#chart"
    page = eve.get(where).text
    (told,) = notes(page)
    assert told.endswith(", 10:15: a new shop eve")
    assert '<a class="w100" href="#note-1">' in page
    assert '<path class="noted" d="M1000,0V240"/>' in page
    (form,) = set(re.findall(rf'action="(/{SITE}/annotations/\d+)"', page))

    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    eve.post(form, date=yesterday, text="an old shop")
    (told,) = notes(eve.get(where).text)
    assert told.endswith(": an old shop eve") and "10:15" not in told
    assert 'class="noted"' not in eve.get(f"/{SITE}?period=day").text

    eve.post(f"{form}/remove")
    assert not notes(eve.get(where).text)


def test_a_viewer_reads_notes_and_writes_none(eve: Visitor) -> None:
    annotate(eve, "a new shop")
    bob = signed_in("bob", Role.VIEWER, [SITE])
    page = bob.get(f"/{SITE}").text
    assert len(notes(page)) == 1 and "/annotations" not in page


def test_what_is_written_is_text_and_nothing_else(eve: Visitor) -> None:
    for text in PAYLOADS:
        annotate(eve, text)
    page = eve.get(f"/{SITE}").text
    assert [told.partition(": ")[2].removesuffix(" eve") for told in notes(page)] == [
        *PAYLOADS
    ]
    assert "<script>document" not in page and "<img" not in page


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"date": "soon", "text": "x"}, "no date"),
        ({"date": TODAY, "text": "x" * 201}, "1 to 200 characters"),
        ({"date": TODAY, "time": "late", "text": "x"}, "no time"),
    ],
)
def test_what_is_no_note_is_told_on_a_page(
    eve: Visitor, fields: dict[str, str], told: str
) -> None:
    refused = eve.post(f"/{SITE}/annotations", **fields)
    assert refused.status_code == 400 and told in html.unescape(refused.text)
    missing = eve.post(f"/{SITE}/annotations/9", date=TODAY, text="x")
    assert missing.status_code == 409 and "no annotation 9" in missing.text


def test_what_is_let_in_is_noted_by_itself(eve: Visitor) -> None:
    eve.post(f"/{SITE}/let-in", reason="bot", name="GPTBot")
    eve.post(f"/{SITE}/leave-out", reason="bot", name="GPTBot")
    told = [each.partition(": ")[2] for each in notes(eve.get(f"/{SITE}").text)]
    assert told == ["Let in: bot GPTBot eve", "Left out: bot GPTBot eve"]


def test_programs_write_them_too(eve: Visitor) -> None:
    _, text = Tokens(app_module.registry()).add("admin", [SITE], "deploy")
    headers = {"Authorization": f"Bearer {text}"}
    path = f"/api/sites/{SITE}/annotations"
    said = {"date": TODAY, "text": "version 2"}
    added = eve.client.post(path, json=said, headers=headers)
    made = added.json or {}
    assert (added.status_code, made["by"]) == (201, "token deploy")
    assert eve.client.get(path, headers=headers).json == {"annotations": [made]}
    (told,) = notes(eve.get(f"/{SITE}").text)
    assert told.endswith("version 2 token deploy")
    for status in (204, 404):
        answer = eve.client.delete(f"{path}/{made['id']}", headers=headers)
        assert answer.status_code == status
