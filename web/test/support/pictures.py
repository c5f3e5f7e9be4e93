"""Makes the README's picture: a site's page, of the real log that the tests import.

python -m support.pictures
"""

import tempfile
from pathlib import Path

from playwright.sync_api import (
    Browser,
    Page,
    Playwright,
    ViewportSize,
    sync_playwright,
)

from support.importing import LOG
from support.people import PASSWORD
from support.processes import command, serving

PICTURE = Path(__file__).parents[3] / "docs" / "pictures" / "site.png"
SITE = "example.org"
# The log's days; with hours, as of four days there is little to see by day.
ADDRESS = f"/{SITE}?period=2015-05-17..2015-05-20&compare=none&by=hour"
SIZE: ViewportSize = {"width": 1100, "height": 1180}


def chromium(playwright: Playwright) -> Browser:
    """A headless Chromium of the machine."""
    return playwright.chromium.launch(
        executable_path="/usr/bin/chromium", args=["--no-sandbox"]
    )


def sign_up(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make account").click()
    page.wait_for_url("**/sites/add")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        data = Path(folder) / "data"
        command("site", "add", SITE, PAGE_TRACKER_DATA=str(data))
        command("import", SITE, str(LOG), PAGE_TRACKER_DATA=str(data))
        with (
            serving(data) as server,
            chromium(playwright) as browser,
        ):
            page = browser.new_page(viewport=SIZE)
            sign_up(page, server.said().partition("your account ")[2].split()[0])
            page.goto(server.url + ADDRESS)
            PICTURE.parent.mkdir(exist_ok=True)
            page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
