"""What counting a page adds to an application's request, beside the same without it.

    python bench/middleware.py [--rounds 7] [--requests 400] [--rate 100]

Starts `page-tracker serve`. A Flask application answers a page of a template, called by
WSGI in this process, by turns as it is and with the middleware of client/. Printed are
medians of rounds: the processor's time that a request takes until it is answered, and
that of the whole process, with what its thread takes to send the views; each beside the
plain application's. Then how many views a second one process delivers.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from wsgiref.util import setup_testing_defaults

from accept import SITE, clean_environment, tracker
from flask import Flask, render_template

from page_tracker_client import delivery
from page_tracker_client.wsgi import PageTrackerMiddleware

BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)
PAGE = (
    "<!doctype html><title>A page</title>{% for n in range(20) %}<p>{{ n }}{% endfor %}"
)


def main() -> None:
    options = _options()
    with (
        tempfile.TemporaryDirectory() as folder,
        tracker(Path(folder), clean_environment()) as served,
    ):
        url, application = served.url, _application()
        counted = PageTrackerMiddleware(application, server=url, site=SITE)
        forms = {"plain": application.wsgi_app, "counted": counted}
        answering: dict[str, list[float]] = {name: [] for name in forms}
        process: dict[str, list[float]] = {name: [] for name in forms}
        for _ in range(options.rounds + 1):
            for name, form in forms.items():
                here, whole = _round(form, counted, options.requests, options.rate)
                answering[name].append(here)
                process[name].append(whole)
        _say("until it is answered", answering)
        _say("with the thread's part", process)
        for wave in (1, delivery.WAVE):
            print(f"by {wave} connections: {_delivered(application, url, wave):,.0f}/s")


def _application() -> Flask:
    application = Flask(__name__)
    template = application.jinja_env.from_string(PAGE)
    application.add_url_rule("/", view_func=lambda: render_template(template))
    return application


def _round(form, counted, requests: int, rate: int) -> tuple[float, float]:
    """Microseconds of processor a request: of this thread, and of all."""
    here = 0.0
    whole = time.process_time()
    for number in range(requests):
        began = time.thread_time()
        _ask(form, number)
        here += time.thread_time() - began
        if rate:
            time.sleep(1 / rate)
    counted.client.flush(60)
    whole = time.process_time() - whole
    return here / requests * 1e6, whole / requests * 1e6


def _ask(form, number: int) -> None:
    environ = {
        "HTTP_HOST": SITE,
        "HTTP_USER_AGENT": BROWSER,
        "HTTP_ACCEPT": "text/html",
        "HTTP_ACCEPT_LANGUAGE": "de-AT,de;q=0.9",
        "HTTP_SEC_FETCH_DEST": "document",
        "REMOTE_ADDR": f"198.51.{number // 256 % 256}.{number % 256}",
    }
    setup_testing_defaults(environ)
    for _ in form(environ, lambda *_: lambda _: None):
        pass


def _say(what: str, times: dict[str, list[float]]) -> None:
    rounds = list(zip(*times.values()))[1:]  # caches fill in the first one
    plain, counted = map(statistics.median, zip(*rounds))
    ratio = statistics.median(counted / plain for plain, counted in rounds)
    print(f"{what}: plain {plain:.0f} µs, counted {counted:.0f} µs, ratio {ratio:.2f}")


def _delivered(application: Flask, url: str, wave: int, number: int = 2_000) -> float:
    """Views a second that one process delivers."""
    delivery.WAVE = wave
    counted = PageTrackerMiddleware(application, server=url, site=SITE)
    began = time.perf_counter()
    for each in range(number):
        _ask(counted, each)
    assert counted.client.flush(300) and not counted.client.losses
    return number / (time.perf_counter() - began)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--rate", type=int, default=100, help="requests a second")
    return parser.parse_args()


if __name__ == "__main__":
    main()
