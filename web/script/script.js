/*
 * Page Tracker's script: counts the views of a page, what is done on it, and how long and
 * how far it is read. It sets no cookie and stores nothing. docs/reference/script.md says
 * how to use it; `npm run build` makes what is served of this file.
 */
(() => {
  // Elements take the place of what a page says of itself (<img name="title">), and a
  // form's fields of what the form does: so it is read where their names do not reach.
  const own = (name) => Reflect.get(Document.prototype, name, document);

  const script = own("currentScript");
  // What stands in the page itself, or is a module, does not know where to send.
  if (!script?.src) return console.warn("pagetracker: src?");
  const options = script.dataset;
  const byHash = "hash" in options;

  let page; // the address of the page that is being read
  let route; // what of the address tells it from the site's other pages
  let engaged; // for how many milliseconds it was in sight, as far as not yet told
  let inSightSince; // when it was last seen to be in sight; 0 while it is out of it
  let deepest; // the lowest pixel of the page that was seen
  let control; // what a click on its label, which has counted, clicks too

  // Waits, but not longer than until the page goes out of sight.
  const pause = (milliseconds) =>
    new Promise((end) => {
      setTimeout(end, milliseconds);
      addEventListener("visibilitychange", end);
    });

  // Nothing counts of what is not on the web, unless the site names its scheme, and of
  // whoever has opted out.
  const isLeftOut = () => {
    try {
      return (
        !("app" in options || /^http/.test(location)) ||
        // What a page writes into a frame has the page's own address.
        (frameElement && parent.location == location.href) ||
        navigator.globalPrivacyControl ||
        localStorage.pagetracker_ignore
      );
    } catch {
      // Storage is forbidden here, so that nobody has opted out in it.
    }
  };

  // What pages call: pagetracker("Signup", { props: { plan: "pro" } }).
  const track = (name, fields) => {
    const event = {
      name,
      id: Math.random() + [Math.random()],
      url: location.href,
      d: options.domain,
      t: own("title"),
      r: own("referrer"),
      h: byHash,
      w: screen.width,
      ...fields,
    };
    event.props = { ...named("data-prop-", script), ...event.props };
    if (name == "pageview") turnTo(event.url);
    // What fails is sent once more: the server knows it by its id and counts it once.
    const send = async () => {
      const answer = await fetch(new URL("../api/event", script.src), {
        method: "POST",
        keepalive: true,
        body: JSON.stringify(event),
      });
      if (answer.status > 428) throw answer.headers.get("Retry-After");
    };
    if (!isLeftOut())
      send()
        .catch((seconds) => pause(seconds * 1e3 || 3e3).then(send))
        .catch(() => {});
    // A page that waits for it, to go on to another one, goes on uncounted too.
    event.callback?.();
  };

  // What an element's attributes say that are named like this.
  const named = (start, element) => {
    const found = {};
    for (const name of element.getAttributeNames())
      if (!name.indexOf(start))
        found[name.slice(start.length)] = element.getAttribute(name);
    return found;
  };

  // From here on it is this page that is being read.
  const turnTo = (url) => {
    if (url == page) return;
    look(0);
    page = url;
    engaged = deepest = 0;
  };

  // Counts a view where the address has become another page's; where it was only
  // replaced, it is remembered.
  const view = async ({ navigationType, persisted }) => {
    // Back from the browser's memory, where the script was asleep, it is one anew.
    const before = !persisted && route;
    const url = location.href;
    route = location.pathname + (byHash && location.hash);
    if (route == before || (navigationType == "replace" && !("replace" in options)))
      return;
    turnTo(url);
    // An application sets the title after the address.
    if (before) await pause(90);
    track("pageview", { url });
  };

  // Runs when the page has come into sight, gone out of it or moved, and each minute; or,
  // without an event, when it is left. Tells how long and how far it was read, where it
  // is left or a quarter of an hour was read.
  const look = (event) => {
    const now = performance.now();
    // It is looked at each minute: where much more has passed, the computer slept.
    if (inSightSince) engaged += Math.min(now - inSightSince, 9e4);
    inSightSince = own("hidden") ? 0 : now;
    // What scrolls: an element in the window's middle that is no small part of it; else
    // the page as a whole.
    const node =
      document
        .elementsFromPoint(innerWidth / 2, innerHeight / 2)
        .find(
          (node) =>
            node.clientHeight > innerHeight / 2 &&
            node.clientHeight < node.scrollHeight &&
            /^[as]/.test(getComputedStyle(node).overflowY),
        ) || document.documentElement;
    // A body's scrolling may be the window's, and in old pages the root is all of the page.
    deepest = Math.max(
      deepest,
      Math.max(node.scrollTop, scrollY) + Math.min(node.clientHeight, innerHeight),
    );
    if (engaged > (event && inSightSince && 9e5)) {
      track("engagement", {
        url: page,
        e: engaged,
        sd: (deepest / node.scrollHeight) * 100,
      });
      engaged = 0;
    }
  };

  const act = (event) => {
    const way = event.composedPath();
    const find = (selector) =>
      way.find(
        (node) =>
          node instanceof Element && Element.prototype.matches.call(node, selector),
      );
    // A submission does not leave its shadow tree.
    for (const node of way)
      if (node instanceof ShadowRoot) node.addEventListener("submit", act);

    const link = find("a,area");
    // The middle button opens links, and does nothing else; the right one does nothing.
    if (way[0] == control || event.button > !!link) return;
    const element = find(
      event.type == "submit" ? "form[data-event]" : ":not(form)[data-event]",
    );
    if (element) {
      // One click on a label is two: the browser makes the other one at once.
      control = find("label")?.control;
      setTimeout(() => (control = 0));
      const { event, amount, currency } = named("data-", element);
      track(event, {
        props: named("data-prop-", element),
        revenue: { amount, currency },
      });
    }
    // What an SVG links to is written as it stands there.
    const url = document.createElement("a");
    if (link) url.href = link.href.baseVal ?? link;
    const isFile =
      /^http[^?#]+\.(pdf|(doc|xls|ppt)x?|csv|zip|exe|dmg|mp[34])(?![^?#])/i.test(url);
    // Links to addresses of e-mail and the like have no host.
    if (isFile || (url.host && url.host != location.host))
      track(isFile ? "File Download" : "Outbound Link: Click", {
        props: { url: url.href },
      });
  };

  const start = () => {
    const stub = window[options.as || "pagetracker"]; // or an element of that name
    // A second script counts nothing: the first one's function has parameters, a stub
    // none.
    if (stub?.call && stub.length) return;
    addEventListener("scroll", look, 1);
    addEventListener("visibilitychange", look);
    addEventListener("click", act);
    addEventListener("auxclick", act);
    addEventListener("submit", act);
    // A visit is over after half an hour of silence: a long read is told meanwhile.
    setInterval(look, 6e4, 1);

    if (!("manual" in options)) {
      view(0);
      for (const method of ["push", "replace"]) {
        const original = history[method + "State"];
        history[method + "State"] = (...change) => {
          original.call(history, ...change);
          view({ navigationType: method });
        };
      }
      addEventListener("popstate", view);
      window.navigation?.addEventListener("currententrychange", view);
      addEventListener("pageshow", view);
    }
    if ("404" in options) track("404", { interactive: false });

    window[options.as || "pagetracker"] = track;
    stub?.q?.map?.((call) => track(...call));
  };

  // What the browser loads ahead counts when somebody sees it.
  if (document.prerendering)
    document.addEventListener("prerenderingchange", start);
  else start();
})();
