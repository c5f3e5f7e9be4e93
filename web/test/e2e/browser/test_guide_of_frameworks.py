"""docs/guides/frameworks.md: what each framework makes of its lines is counted.

Hugo, WordPress's hooks, Flask and Django run for real. What Next.js and Astro make of
theirs is written down here, as `next build` (16.4) and `astro build` (5) did it.
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.documentation import page
from support.guides import SERVER, SITE, blocks
from support.processes import running
from support.scene import SITE as COUNTED
from support.scene import Scene, names_and_paths

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)

GUIDE = "guides/frameworks"
LINE = f'<script defer data-domain="{SITE}" src="{SERVER}/js/script.js"></script>'


def snippets(scene: Scene, heading: str, language: str) -> list[str]:
    return blocks(GUIDE, heading, language, scene.server_url, COUNTED)


def counts(scene: Scene, head: str) -> None:
    """A page with that head is counted, once."""
    scene.site.pages["/page"] = (200, f"<!doctype html><head>{head}</head><p>A page")
    scene.page.goto(scene.site.url + "/page")
    assert names_and_paths(scene.all_stored()) == [("pageview", "/page")]


def test_every_snippet_has_the_line_that_a_site_is_given(scene: Scene) -> None:
    text = re.sub(r"is:inline | /(?=>)", "", page(GUIDE))
    scripts = re.findall(r"<script [^>]*>", text)
    assert len(scripts) == 7
    assert set(scripts) == {LINE.removesuffix("</script>")}
    counts(scene, snippets(scene, "Put the line into your framework", "html")[0])


def test_hugo(scene: Scene, tmp_path: Path) -> None:
    partial, use = snippets(scene, "Hugo", "go-html-template")
    layouts = tmp_path / "layouts"
    (layouts / "_default").mkdir(parents=True)
    (layouts / "partials").mkdir()
    (layouts / "partials" / "page-tracker.html").write_text(partial)
    (layouts / "_default" / "baseof.html").write_text(f"<head>{use}</head><p>A page")
    (layouts / "index.html").write_text('{{ define "main" }}{{ end }}')
    (tmp_path / "config.toml").write_text('disableKinds = ["taxonomy", "term"]')

    assert "script.js" not in hugo(tmp_path, "development")
    made = re.search("<head>(.*)</head>", hugo(tmp_path, "production"), re.DOTALL)
    assert made
    counts(scene, made[1])


def hugo(folder: Path, environment: str) -> str:
    """The first page that Hugo makes."""
    command = ("hugo", "--quiet", "--source", folder, "--environment", environment)
    subprocess.run(command, check=True)  # nosec B607 # the machine's own program
    return (folder / "public" / "index.html").read_text("utf-8")


def test_wordpress(scene: Scene, tmp_path: Path) -> None:
    """By WordPress's own hooks, which need neither a database nor a web server."""
    [plugin] = snippets(scene, "WordPress", "php")
    (tmp_path / "page-tracker.php").write_text(plugin)
    hooks = wordpress(tmp_path) / "wp-includes" / "plugin.php"
    program = f"require '{hooks}'; require 'page-tracker.php'; do_action('wp_head');"
    command = ("php", "-d", "display_errors=stderr", "-r", program)
    head = subprocess.check_output(command, cwd=tmp_path, text=True)
    counts(scene, head)


def wordpress(folder: Path) -> Path:
    """Debian's WordPress, unpacked and not installed."""
    fetch = "apt-get download wordpress && dpkg -x wordpress_*.deb ."
    subprocess.run(("sh", "-ec", fetch), cwd=folder, check=True, capture_output=True)
    return folder / "usr" / "share" / "wordpress"


def test_next(scene: Scene) -> None:
    [layout] = snippets(scene, "Next.js", "tsx")
    line = re.search(r"<script (defer) ([^>]*) />", layout)
    assert line
    counts(scene, f'<script {line[1]}="" {line[2]}></script>')


def test_astro(scene: Scene) -> None:
    [line] = snippets(scene, "Astro", "astro")
    counts(scene, line.replace("is:inline ", ""))


FLASK = """
from flask import Flask, render_template
application = Flask(__name__)
@application.get("/page")
def page():
    return render_template("page.html")
"""
DJANGO = """
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.shortcuts import render
from django.urls import path
settings.configure(
    ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__,
    INTERNAL_IPS=["127.0.0.1"], DEBUG=DEBUGGING,
    TEMPLATES=[{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": ["templates"],
        "OPTIONS": {"context_processors": ["django.template.context_processors.debug"]},
    }],
)
urlpatterns = [path("page", lambda request: render(request, "page.html"))]
application = get_wsgi_application()
"""


@pytest.mark.parametrize(
    ("heading", "language", "program"),
    [("Flask", "jinja", FLASK), ("Django", "django", DJANGO)],
)
def test_an_application_of_python(
    scene: Scene, tmp_path: Path, heading: str, language: str, program: str
) -> None:
    [line] = snippets(scene, heading, language)
    templates = tmp_path / "templates"
    templates.mkdir()
    base = "<!doctype html><head>%s</head>{%% block body %%}{%% endblock %%}" % line
    (templates / "base.html").write_text(base)
    extends = '{% extends "base.html" %}{% block body %}<p>A page{% endblock %}'
    (templates / "page.html").write_text(extends)

    with serving(tmp_path, program) as port:
        scene.page.goto(f"http://{scene.site.host}:{port}/page")
        assert names_and_paths(scene.all_stored()) == [("pageview", "/page")]
    with serving(tmp_path, program, debugging=True) as port:
        scene.page.goto(f"http://{scene.site.host}:{port}/page")
        assert "script.js" not in scene.page.content()


@contextmanager
def serving(folder: Path, program: str, debugging: bool = False) -> Iterator[str]:
    """The port of an application, which debugs or not."""
    ending = "" if "DEBUGGING" in program else f"application.debug = {debugging}"
    text = program.replace("DEBUGGING", str(debugging))
    name = f"site_{debugging}".lower()
    (folder / f"{name}.py").write_text(text + ending)
    command = ["gunicorn", f"{name}:application", "--bind", "127.0.0.1:0"]
    command += ["--chdir", str(folder), "--log-level", "info"]
    with running(folder / "output", command, "Listening at") as server:
        yield server.url.rpartition(":")[2]
