"""Where the documentation is, and its text."""

from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


def page(name: str) -> str:
    """Return the text of the page of that name, like ``reference/settings``."""
    return (DOCS / f"{name}.md").read_text("utf-8")
