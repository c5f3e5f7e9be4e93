/*
 * Page Tracker's script: counts the views of a page, what is done on it, and how long and
 * how far it is read. It sets no cookie and stores nothing. docs/script.md says how to
 * use it; `npm run build` makes what is served of this file.
 */
(() => {
  const script = document.currentScript;
  const options = script.dataset;
  const byHash = "hash" in options;
  const functionName = options.as || "pagetracker";

  let page; // the address of the page that is being read
  let route; // what of the address tells it from the site's other pages
  let engaged; // for how many milliseconds it was in sight, as far as not yet told
  let inSightSince; // when it came into sight, in milliseconds; 0 while it is out of it
  let deepest; // the lowest pixel of the page that was seen

  // Waits, but not longer than until the page goes out of sight.
  const pause = (milliseconds) =>
    new Promise((end) => {
      setTimeout(end, milliseconds);
      addEventListener("visibilitychange", end);
    });

  const hasOptedOut = () => {
    try {
      return navigator.globalPrivacyControl || localStorage.pagetracker_ignore;
    } catch {
      // Storage is forbidden here, so that nobody has opted out in it.
    }
  };

  // What pages call: pagetracker("Signup", { props: { plan: "pro" } }).
  const track = (name, fields) => {
    const event = {
      name,
      url: location.href,
      d: options.domain,
      r: document.referrer,
      t: document.title,
      w: screen.width,
      h: byHash,
      id: Math.random() + "" + Date.now(),
      ...fields,
    };
    event.props = { ...propsOf(script), ...event.props };
    if (name == "pageview") turnTo(event.url);
    // What fails is sent once more: the server knows it by its id and counts it once.
    const send = () =>
      fetch(new URL("../api/event", script.src), {
        method: "POST",
        keepalive: true,
        body: JSON.stringify(event),
      }).then((answer) => {
        if (answer.status > 428) throw answer.headers.get("Retry-After");
      });
    if (!hasOptedOut())
      send()
        .catch((seconds) => pause(seconds * 1e3 || 3e3).then(send))
        .catch(() => {});
    // A page that waits for it, to go on to another one, goes on uncounted too.
    event.callback?.();
  };

  const propsOf = (element) => {
    const props = {};
    for (const { name, value } of element.attributes)
      if (/^data-prop-/.test(name)) props[name.slice(10)] = value;
    return props;
  };

  // From here on it is this page that is being read.
  const turnTo = (url) => {
    if (url == page) return;
    look();
    page = url;
    engaged = deepest = 0;
  };

  // Counts a view where the address has become another page's.
  const view = async () => {
    const before = route;
    const url = location.href;
    route = location.pathname + (byHash ? location.hash : "");
    if (route == before) return;
    turnTo(url);
    // An application sets the title after the address.
    if (before) await pause(99);
    track("pageview", { url });
  };

  // Runs when the page has come into sight, gone out of it, or moved; or, without an
  // event, when it is left. Tells how long and how far it was read.
  const look = (event) => {
    const now = Date.now();
    if (inSightSince) engaged += now - inSightSince;
    inSightSince = document.hidden ? 0 : now;
    deepest = Math.max(deepest, scrollY + innerHeight);
    if (engaged && !(event && inSightSince)) {
      track("engagement", {
        url: page,
        e: engaged,
        sd: Math.ceil((deepest / document.body.scrollHeight) * 100),
      });
      engaged = 0;
    }
  };

  const act = ({ type, target, button }) => {
    if (button > 1) return;
    const element = target.closest(
      type == "submit" ? "form[data-event]" : ":not(form)[data-event]",
    );
    if (element) {
      const { event, amount, currency } = element.dataset;
      track(event, {
        props: propsOf(element),
        revenue: amount && { amount, currency },
      });
    }
    const link = target.closest("a[href]");
    const isFile =
      /\.(pdf|(doc|xls|ppt)x?|csv|zip|exe|dmg|mp[34])$/i.test(link?.pathname);
    // Links to addresses of e-mail and the like have no host.
    if (isFile || (link?.host || location.host) != location.host)
      track(isFile ? "File Download" : "Outbound Link: Click", {
        props: { url: link.href },
      });
  };

  const watch = (method) => {
    const original = history[method];
    history[method] = (...change) => {
      original.apply(history, change);
      view();
    };
  };

  const start = () => {
    const stub = window[functionName];
    // A second script counts nothing: the first one's function has parameters, a stub none.
    if (stub?.length) return;
    addEventListener("scroll", look);
    addEventListener("visibilitychange", look);
    addEventListener("click", act);
    addEventListener("auxclick", act);
    addEventListener("submit", act);

    if (!("manual" in options)) {
      view();
      watch("pushState");
      if ("replace" in options) watch("replaceState");
      addEventListener("popstate", view);
      // Back from the browser's memory, where the script was asleep.
      addEventListener("pageshow", ({ persisted }) => {
        if (persisted) {
          route = 0;
          view();
        }
      });
    }
    if ("404" in options)
      track("404", { interactive: false });

    window[functionName] = track;
    stub?.q?.map((call) => track(...call));
  };

  // What the browser loads ahead counts when somebody sees it.
  if (document.prerendering)
    document.addEventListener("prerenderingchange", start);
  else start();
})();
