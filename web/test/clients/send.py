"""Sends by published clients, each as its documentation shows.

send.py SERVER SITE TOKEN AGENT, with the clients' modules on the path.
"""

# pylint: disable=import-error # they are installed apart

import sys
from threading import Event
from types import SimpleNamespace

import umami
from piwikapi.tracking import PiwikTracker
from plausible_events import PlausibleEvents

SERVER, SITE, TOKEN, AGENT = sys.argv[1:]


def by_umami() -> None:
    umami.set_url_base(SERVER)
    umami.set_website_id(SITE)
    umami.set_hostname(SITE)
    umami.new_page_view("Title", url="/umami-analytics", ip_address="198.51.100.8")
    umami.new_event("umami-analytics", url="/umami-analytics", custom_data={"a": 1})


def by_piwikapi() -> None:
    asked = {"HTTP_USER_AGENT": AGENT, "SERVER_NAME": SITE, "PATH_INFO": "/piwikapi"}
    request = SimpleNamespace(META=asked, is_secure=lambda: True)
    tracker = PiwikTracker("7", request)
    tracker.set_api_url(f"{SERVER}/piwik.php")
    tracker.set_token_auth(TOKEN)
    tracker.set_ip("198.51.100.9")
    tracker.do_track_page_view("Title")
    tracker.do_track_action(f"https://{SITE}/a.zip", "download")


def by_plausible_events() -> None:
    class Tracker(PlausibleEvents):  # type: ignore[misc] # it has no types
        """Knows its own address: the client asks a service on the internet."""

        def _get_ip(self) -> str:
            return "198.51.100.10"

    headers = {"User-Agent": AGENT, "Authorization": f"Bearer {TOKEN}"}
    tracker = Tracker(SITE, headers, api=f"{SERVER}/api/event")
    tracker.worker.daemon = True
    tracker.pageview("/plausible-events")
    tracker.event("plausible-events", {"plan": "pro"}, "/plausible-events")
    done = Event()
    tracker._enqueue_task(done.set)  # pylint: disable=protected-access # to end well
    done.wait()


by_umami()
by_piwikapi()
by_plausible_events()
