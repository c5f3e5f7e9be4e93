"""What the script sees of a visitor in a real browser, by what a real server stored."""

from pathlib import Path

import pytest

from support.scene import SITE, SITE_OF_FILES, Scene, names_and_paths, paths_of

# Fetching a browser, where none is there, takes minutes.
pytestmark = pytest.mark.timeout(900)

STAY = "<script>addEventListener('click', (event) => event.preventDefault())</script>"
NO_NAVIGATION_API = "Object.defineProperty(window, 'navigation', { value: undefined })"


def events_of(scene: Scene) -> list[tuple[str, str]]:
    """Name and `url` of all that was stored beside the page's view."""
    return [
        (row["name"], row["props"].get("url", "")) for row in scene.all_stored()[1:]
    ]


# Pages


def test_a_page_that_the_navigation_api_shows_is_a_view(scene: Scene) -> None:
    scene.open()
    scene.page.evaluate("""() => {
            navigation.addEventListener("navigate", (event) => event.intercept({
              handler: async () => { document.title = "Second" } }));
            return navigation.navigate("/second").finished.then(() => 0) }""")
    views = scene.views(2)
    assert paths_of(views) == ["/start", "/second"]
    assert views[1]["title"] == "Second"
    scene.page.evaluate("navigation.back().finished.then(() => 0)")
    assert paths_of(scene.views(3)) == ["/start", "/second", "/start"]


@pytest.mark.parametrize("browser_of", ["today", "2020"])
@pytest.mark.parametrize(
    ("attribute", "paths"),
    [("", ["/start", "/start"]), ("data-replace", ["/start", "/other", "/start"])],
)
def test_back_to_an_address_that_was_replaced_is_a_view(
    scene: Scene, browser_of: str, attribute: str, paths: list[str]
) -> None:
    if browser_of == "2020":
        scene.context.add_init_script(NO_NAVIGATION_API)
    scene.open("", f'data-domain="{SITE}" {attribute}')
    scene.page.evaluate("history.replaceState(null, '', '/other')")
    scene.page.wait_for_timeout(200)
    scene.page.evaluate("history.pushState(null, '', '/start')")
    assert paths_of(scene.views(len(paths))) == paths


FRAMES = {
    "srcdoc": "frame.srcdoc = text",
    "blob:": "frame.src = URL.createObjectURL(new Blob([text], { type: 'text/html' }))",
    "about:blank": "frame.contentDocument.write(text); frame.contentDocument.close()",
}


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_without_an_address_of_its_own_is_no_page(
    scene: Scene, kind: str
) -> None:
    scene.open()
    inner = (
        scene.second_script + "<script>onload = () => { parent.done = self }</script>"
    )
    scene.page.evaluate(
        f"""(text) => {{
            const frame = document.body.appendChild(document.createElement("iframe"));
            {FRAMES[kind]} }}""",
        inner,
    )
    scene.page.wait_for_function("!!window.done?.pagetracker")
    scene.page.evaluate("done.pagetracker('Inner')")
    assert names_and_paths(scene.all_stored()) == [("pageview", "/start")]


@pytest.mark.parametrize("way", ["a module", "inline"])
def test_who_loads_it_in_a_way_that_cannot_work_is_told(scene: Scene, way: str) -> None:
    told: list[str] = []
    scene.page.on("console", lambda message: told.append(message.text))
    address = f"{scene.server_url}/js/script.js"
    if way == "inline":
        source = scene.context.request.get(address).text()
        script = f'<script data-domain="{SITE}">{source}</script>'
    else:
        script = f'<script type="module" src="{address}" data-domain="{SITE}"></script>'
    scene.site.pages["/bare"] = (200, f"<!doctype html>{script}")
    scene.page.goto(scene.site.url + "/bare")
    scene.wait_until(lambda: "pagetracker: src is missing" in told)


@pytest.mark.parametrize(
    ("domain", "attribute", "is_sent", "is_stored"),
    [
        (SITE, "", False, False),
        (SITE, "data-app", True, False),
        (SITE_OF_FILES, "", False, False),
        (SITE_OF_FILES, "data-app", True, True),
    ],
)
def test_a_page_from_the_disk_counts_where_page_and_site_say_so(
    scene: Scene,
    tmp_path: Path,
    domain: str,
    attribute: str,
    is_sent: bool,
    is_stored: bool,
) -> None:
    # pylint: disable=too-many-arguments,too-many-positional-arguments
    file = tmp_path / "page.html"
    script = f'{scene.server_url}/js/script.js" data-domain="{domain}" {attribute}'
    file.write_text(f'<!doctype html><script defer src="{script}></script>')
    answers: list[str | None] = []
    scene.page.on(
        "response",
        lambda response: (
            answers.append(response.headers.get("x-page-tracker-dropped"))
            if response.request.method == "POST"
            else None
        ),
    )
    scene.page.goto(file.as_uri())
    scene.page.wait_for_function("!!window.pagetracker")
    if is_sent:
        scene.wait_until(lambda: bool(answers))
    scene.page.wait_for_timeout(200)
    told = None if is_stored else "blocked_scheme (file)"
    assert answers == ([told] if is_sent else [])


# Clicks

SHADOW = """
<div id=host><b id=slotted>slotted</b></div>
<a href="https://elsewhere.example/light"><span id=icon></span></a>
<script>
  const tree = (id, text) =>
    document.getElementById(id).attachShadow({ mode: "open" }).innerHTML = text;
  tree("host", `
    <a id=link href="https://elsewhere.example/shadow"><i id=deep>link</i></a>
    <a href="https://elsewhere.example/slot"><slot></slot></a>
    <button data-event="Shadow" data-prop-plan="pro">button</button>
    <form data-event="Form" onsubmit="return false"><input><button id=go>go</button>
    </form>`);
  tree("icon", "<u id=inner>icon</u>");
</script>""" + STAY


@pytest.mark.parametrize(
    ("clicked", "event"),
    [
        ("#deep", ("Outbound Link: Click", "https://elsewhere.example/shadow")),
        ("#slotted", ("Outbound Link: Click", "https://elsewhere.example/slot")),
        ("#inner", ("Outbound Link: Click", "https://elsewhere.example/light")),
        ("[data-event=Shadow]", ("Shadow", "")),
    ],
)
def test_a_click_in_an_open_shadow_tree_is_seen(
    scene: Scene, clicked: str, event: tuple[str, str]
) -> None:
    scene.open(SHADOW)
    scene.page.click(clicked)
    assert events_of(scene) == [event]


@pytest.mark.parametrize("way", ["button", "key"])
def test_a_form_in_an_open_shadow_tree_is_one_event(scene: Scene, way: str) -> None:
    scene.open(SHADOW.replace(STAY, ""))
    if way == "button":
        scene.page.click("#go")
    else:
        scene.page.press("#host input", "Enter")
    assert events_of(scene) == [("Form", "")]


SHAPES = """
<svg width=90 height=30 xmlns:xlink="http://www.w3.org/1999/xlink">
  <a href="https://elsewhere.example/svg"><rect id=svg width=30 height=30 /></a>
  <a xlink:href="/files/old.zip"><rect id=old x=30 width=30 height=30 /></a>
  <a href="/inside"><rect id=inside x=60 width=30 height=30 /></a>
</svg>
<map name=m><area id=area shape=default href="https://elsewhere.example/area"></map>
<img usemap="#m" width=30 height=30 alt=""
  src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>">""" + STAY


@pytest.mark.parametrize(
    ("clicked", "event"),
    [
        ("#svg", ("Outbound Link: Click", "https://elsewhere.example/svg")),
        ("#old", ("File Download", "{site}/files/old.zip")),
        ("#inside", None),
        ("img", ("Outbound Link: Click", "https://elsewhere.example/area")),
    ],
)
def test_links_in_drawings_and_image_maps_are_links(
    scene: Scene, clicked: str, event: tuple[str, str] | None
) -> None:
    scene.open(SHAPES)
    scene.page.click(clicked, force=True)
    expected = [(event[0], event[1].format(site=scene.site.url))] if event else []
    assert events_of(scene) == expected


LABELS = """
<label data-event="Inside"><i id=text>text</i> <input type=checkbox id=box></label>
<div data-event="Around"><label for=apart id=for>text</label> <input id=apart></div>
<label id=outer>text <input type=checkbox data-event="Control"></label>
<label id=none data-event="Alone">no control</label>"""


@pytest.mark.parametrize(
    ("clicks", "events"),
    [
        (["#text"], ["Inside"]),
        (["#box"], ["Inside"]),
        (["#text", "#box", "#text"], ["Inside"] * 3),
        (["#for"], ["Around"]),
        (["#outer"], ["Control"]),
        (["#none"], ["Alone"]),
    ],
)
def test_one_click_on_a_label_is_one_event(
    scene: Scene, clicks: list[str], events: list[str]
) -> None:
    scene.open(LABELS)
    for each in clicks:
        scene.page.click(each)
    assert [name for name, _ in events_of(scene)] == events


def test_keys_click_too(scene: Scene) -> None:
    scene.open('<a href="https://elsewhere.example/">out</a>' + LABELS + STAY)
    scene.page.press("a", "Enter")
    scene.page.press("#box", "Space")
    assert [name for name, _ in events_of(scene)] == ["Outbound Link: Click", "Inside"]


def test_the_middle_button_does_nothing_but_open_links(scene: Scene) -> None:
    scene.open('<button data-event="Buy">buy</button>' + LINKS)
    scene.page.click("button", button="middle")
    scene.page.click("#event", button="middle")
    assert [name for name, _ in events_of(scene)] == ["Tagged"]


LINKS = """
<a id=event href="/inside" data-event="Tagged">inside</a>
<a id=mail href="mailto:info@firm.zip">mail</a>
<a id=phone href="tel:1.zip">phone</a>
<a id=script href="javascript:'a.zip'">script</a>
<a id=data href="data:text/plain,a.zip">data</a>
<a id=query href="/inside?file=a.zip">query</a>
<a id=invalid href="http://[a.example/">invalid</a>
<a id=host href="https://firm.zip">host</a>
<a id=file href="/a.ZIP?v=1#top">file</a>""" + STAY


@pytest.mark.parametrize(
    ("link", "event"),
    [
        ("mail", None),
        ("phone", None),
        ("script", None),
        ("data", None),
        ("query", None),
        ("invalid", None),
        ("host", ("Outbound Link: Click", "https://firm.zip/")),
        ("file", ("File Download", "{site}/a.ZIP?v=1#top")),
    ],
)
def test_a_download_is_of_the_web_and_of_a_file(
    scene: Scene, link: str, event: tuple[str, str] | None
) -> None:
    scene.open(LINKS)
    scene.page.click(f"#{link}")
    expected = [(event[0], event[1].format(site=scene.site.url))] if event else []
    assert events_of(scene) == expected


def test_events_without_an_element_throw_nothing(scene: Scene) -> None:
    scene.open()
    scene.page.evaluate("""() => {
            for (const type of ["click", "auxclick", "submit", "scroll"])
              for (const target of [window, document, document.createTextNode("")])
                target.dispatchEvent(new Event(type, { bubbles: true }));
            document.dispatchEvent(new MouseEvent("click", { bubbles: true }));
            document.documentElement.click() }""")
    assert events_of(scene) == []


def test_names_of_elements_hide_nothing_and_throw_nothing(scene: Scene) -> None:
    fields = "closest matches attributes dataset host parentNode name action".split()
    scene.open(
        '<form data-event="Buy" data-prop-plan="pro" onsubmit="return false">'
        + "".join(f"<input name={field}>" for field in fields)
        + "<button>go</button></form>"
        + "".join(
            f"<img name={name}><form name={name}></form>"
            for name in ("title", "referrer", "hidden", "body", "currentScript")
        )
        + "<form id=pagetracker><input name=q><input name=length></form>"
    )
    scene.page.evaluate("document.querySelector('button').click()")
    view, event = scene.all_stored()
    assert view["title"] == "Title of /start"
    assert (event["name"], event["props"]) == ("Buy", {"plan": "pro"})


def test_what_cannot_be_sent_throws_nothing(scene: Scene) -> None:
    scene.open()
    scene.page.evaluate("""() => {
            const props = {};
            props.self = props;
            pagetracker("Circle", { props }) }""")
    assert events_of(scene) == []


# Variants

DEALING = """<script defer src="{server}/js/variant.js"></script>
<script type="module">
  window.shown = await pagetracker.variant("buttons", ["old", "new"]);
  pagetracker("Signup");
</script>"""


def test_a_visitor_is_dealt_the_same_variant_all_day_and_all_hits_of_the_page_say_so(
    scene: Scene,
) -> None:
    page = DEALING.format(server=scene.server_url)
    shown = []
    for path in ("/start", "/second"):
        scene.page.goto(scene.put(path, page))
        scene.page.wait_for_function("window.shown")
        shown.append(scene.page.evaluate("shown"))
    scene.page.evaluate("localStorage.pagetracker_ignore = 'true'")
    scene.page.reload()
    scene.page.wait_for_function("window.shown")
    assert scene.page.evaluate("shown") == "old", "without being asked about"
    scene.page.evaluate("delete localStorage.pagetracker_ignore")

    assert shown[0] == shown[1]
    said = [
        (row["name"], row["path"], row["props"].get("buttons"))
        for row in scene.all_stored()
        if row["name"] != "engagement"
    ]
    assert said == [
        (name, path, None if name == "pageview" else shown[0])
        for path in ("/start", "/second")
        for name in ("pageview", "Experiment", "Signup")
    ]
    by_shares = "pagetracker.variant('colours', { red: 1, blue: 1000000 })"
    assert scene.page.evaluate(by_shares) == "blue"
    assert not scene.context.cookies()
