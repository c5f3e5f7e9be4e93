"""Real applications on real servers, judged by what is in the lake."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from counted import BROWSER, SITE, Counted
from support.guides import blocks, commands
from support.pace import PACE
from support.processes import Running, command, running

TRACKED = """
from page_tracker_client import Revenue, track

def bought():
    track("Purchase", {"plan": "pro"}, Revenue("19.90", "EUR"))
    return "<p>Thank you"
"""
FLASK = """
from flask import jsonify, redirect

@app.get("/page/<name>")
def page(name):
    return f"<p>{name}"

app.add_url_rule("/same", "same", lambda: ("", 304))
app.add_url_rule("/api", "api", lambda: jsonify(a=1))
app.add_url_rule("/moved", "moved", lambda: redirect("/page/a"))
app.add_url_rule("/buy", "buy", bought, methods=["POST"])
"""
DJANGO = """
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

settings.configure(
    ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__,
    MIDDLEWARE=MIDDLEWARE, PAGE_TRACKER=PAGE_TRACKER,
)
urlpatterns = [
    path("page/<name>", lambda request, name: HttpResponse(f"<p>{name}")),
    path("same", lambda request: HttpResponse(status=304)),
    path("api", lambda request: JsonResponse({"a": 1})),
    path("moved", lambda request: HttpResponseRedirect("/page/a")),
    path("buy", csrf_exempt(lambda request: HttpResponse(bought()))),
]
"""
DJANGO_BY_WSGI = DJANGO + "app = get_wsgi_application()\n"
DJANGO_BY_ASGI = DJANGO + "app = get_asgi_application()\n"
FASTAPI = """
from fastapi.responses import HTMLResponse, RedirectResponse, Response

@app.get("/page/{name}", response_class=HTMLResponse)
async def page(name: str):
    return f"<p>{name}"

app.get("/same")(lambda: Response(status_code=304))
app.get("/api")(lambda: {"a": 1})
app.get("/moved")(lambda: RedirectResponse("/page/a"))
app.post("/buy", response_class=HTMLResponse)(bought)
"""
# Loaded before it forks, as most do: each process has to have a thread of its own.
GUNICORN = (
    *("gunicorn", "application:app", "--bind", "127.0.0.1:0", "--preload"),
    *("--workers", "2", "--no-control-socket"),
)
UVICORN = ("uvicorn", "application:app", "--port", "0", "--no-server-header")
# An option more than the guide's lines have, in either form.
MORE = {
    f'site="{SITE}"': 'exclude=["/page/left-out*"]',
    f'"site": "{SITE}"': '"exclude": ["/page/left-out*"]',
}


@contextmanager
def application(
    folder: Path, heading: str, program: str, by: tuple[str, ...], server: str
) -> Iterator[Running]:
    """What the guide says under a heading, with pages, and with a path left out."""
    [lines] = blocks("guides/python", heading, "python", server, SITE)
    for site, more in MORE.items():
        lines = lines.replace(site, f"{site}, {more}")
    assert "/page/left-out*" in lines
    (folder / "application.py").write_text(lines + TRACKED + program, "utf-8")
    marker = "Listening at" if by[0] == "gunicorn" else "running on"
    environment = {"PYTHONPATH": str(folder)}
    with running(folder / "output", by, marker, **environment) as started:
        yield started


@pytest.mark.parametrize(
    ("heading", "program", "by"),
    [
        pytest.param("Flask", FLASK, GUNICORN, id="flask"),
        pytest.param("Django", DJANGO_BY_WSGI, GUNICORN, id="django"),
        pytest.param("Django", DJANGO_BY_ASGI, UVICORN, id="django-asgi"),
        pytest.param(
            "FastAPI, Starlette and others by ASGI", FASTAPI, UVICORN, id="fastapi"
        ),
    ],
)
def test_page_views_are_counted_with_their_visitors_and_nothing_else_is(
    counted: Counted,
    tmp_path: Path,
    heading: str,
    program: str,
    by: tuple[str, ...],
) -> None:
    host = f"{re.sub('[^a-z0-9]', '-', tmp_path.name)}.example"
    with application(tmp_path, heading, program, by, counted.url) as running_one:

        def ask(path: str, address: str, method: str = "GET", **more: str) -> None:
            headers = {
                "Host": host,
                "User-Agent": BROWSER,
                "Accept-Language": "de-AT,de;q=0.9",
                "X-Forwarded-For": address,
                **{name.replace("_", "-"): value for name, value in more.items()},
            }
            url = running_one.url + path
            answer = requests.request(
                method, url, headers=headers, allow_redirects=False, timeout=30 * PACE
            )
            assert answer.status_code < 500, answer.text

        ask(
            "/page/a?utm_source=news&secret=1", "198.51.100.1", Referer="https://b.org/"
        )
        ask("/page/%C3%A4%20b", "198.51.100.1", Sec_Fetch_Dest="document")
        ask("/page/a", "198.51.100.2")
        ask("/same", "198.51.100.2", Accept="text/html,*/*;q=0.8")
        ask("/buy", "198.51.100.2", "POST")
        for left_out in ("/page/left-out/1", "/api", "/moved", "/missing"):
            ask(left_out, "198.51.100.3")
        ask("/same", "198.51.100.3", Accept="image/png")
        ask("/page/a", "198.51.100.3", "HEAD")
        ask("/page/a", "198.51.100.3", Sec_Fetch_Dest="empty")
        ask("/page/a", "198.51.100.3", Sec_Purpose="prefetch;prerender")
        ask("/page/last", "198.51.100.2")

    rows = counted.rows(host, 6)  # what was still on its way when it was stopped, too
    told = sorted((row["name"], row["path"]) for row in rows)
    assert told == [
        ("Purchase", "/buy"),
        *(("pageview", path) for path in ("/page/a", "/page/a", "/page/last")),
        *(("pageview", path) for path in ("/page/ä b", "/same")),
    ]
    assert {(row["browser"], row["language"]) for row in rows} == {("Chrome", "de-AT")}
    assert len({row["visitor"] for row in rows}) == 2
    sources = {(row["utm_source"], row["referrer"]) for row in rows}
    assert sources == {("news", "b.org"), ("", "")}
    [sale] = [row for row in rows if row["revenue"]]
    assert (sale["revenue"], sale["currency"]) == (19_900, "EUR")
    assert dict(sale["props"]) == {"plan": "pro"}
    assert "page tracker" not in running_one.said().lower()  # nothing was logged


def test_the_guide_s_own_program_is_counted_and_seen(counted: Counted) -> None:
    heading = "Without a web application"
    [program] = blocks("guides/python", heading, "python", counted.url, SITE)
    program = program.replace("Mozilla/5.0 …", BROWSER)
    exec(program, {})  # nosec B102 # pylint: disable=exec-used # it is the guide's
    rows = counted.rows(SITE, 2)
    told = {(row["name"], row["path"]) for row in rows}
    assert told == {("pageview", "/a"), ("Signup", "/a")}

    [asked] = commands("guides/python")
    words = asked.replace("example.org", SITE).split()[1:]
    assert "/a" in command(*words, "--data", str(counted.data))
