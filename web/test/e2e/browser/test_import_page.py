"""A real log, dropped on the page: as the command imports it, and undone."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from support.importing import LOG
from support.pictures import sign_up
from support.processes import command, serving

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)

DROPPED = """([form, content, name]) => {
    const bytes = Uint8Array.from(atob(content), (sign) => sign.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name));
    form.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true}));
}"""
SECONDS = 120_000


def drop(page: Page, log: Path) -> None:
    """Drop a file on the page's form."""
    form = page.locator("form[data-log]").element_handle()
    content = base64.b64encode(log.read_bytes()).decode()
    page.evaluate(DROPPED, [form, content, log.name])


def test_a_dropped_log_is_imported_as_by_the_command_and_undone(
    browser: Browser, tmp_path: Path
) -> None:
    data, complaints = tmp_path / "data", list[str]()
    with serving(data) as server, browser.new_context() as context:
        for site in ("a.example", "b.example"):
            command("site", "add", site, "--data", str(data))
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        sign_up(page, server.said().partition("your account ")[2].split()[0])
        page.goto(f"{server.url}/a.example/import")
        drop(page, LOG)
        expect(page.get_by_role("progressbar")).to_be_visible(timeout=SECONDS)
        page.get_by_role("button", name="Import", exact=True).click(timeout=SECONDS)
        page.get_by_role("link", name="See its days").wait_for(timeout=SECONDS)
        told = page.locator("table.figures-of-log").inner_text().split()

        imported = command("import", "b.example", str(LOG), "--data", str(data))
        assert told == imported.partition("\n")[2].split()
        figures = {}
        for site in ("a.example", "b.example"):
            page.goto(f"{server.url}/{site}?period=2015")
            figures[site] = page.locator(".figures").inner_text()
        assert "1,550" in figures["a.example"]
        assert figures["a.example"] == figures["b.example"]

        page.goto(f"{server.url}/a.example/import")
        page.locator("summary", has_text="Undo").click()
        page.get_by_role("button", name="Take import 1 out for good").click()
        undone = page.get_by_text("import 1 is undone; its 1,550 page views went")
        expect(undone).to_be_visible(timeout=SECONDS)
        page.goto(f"{server.url}/a.example?period=2015")
        expect(page.get_by_text("Nothing was counted yet")).to_be_visible()
    assert not complaints
