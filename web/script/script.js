/*
 * Page Tracker's script: counts the views of a page, what is done on it, and how long and
 * how far it is read. It sets no cookie and stores nothing. docs/reference/script.md says
 * how to use it; `npm run build` makes what is served of this file and of parts/.
 */
import { followClicks } from "./parts/clicks.js";
import { isLeftOut, named, onceSeen, own } from "./parts/page.js";
import { followReading, turnTo } from "./parts/reading.js";
import { followRoutes } from "./parts/routes.js";
import { newId, send } from "./parts/sending.js";

const script = own("currentScript");
const options = script?.dataset;

// What pages call: pagetracker("Signup", { props: { plan: "pro" } }).
const track = (name, fields) => {
  const event = {
    name,
    id: newId(),
    url: location.href,
    d: options.domain,
    t: own("title"),
    r: own("referrer"),
    h: "hash" in options,
    w: screen.width,
    ...fields,
  };
  event.props = { ...named("data-prop-", script), ...event.props };
  if (name == "pageview") turnTo(event.url);
  // Nothing counts of what is not on the web, unless the site names its scheme.
  if (("app" in options || /^http/.test(location)) && !isLeftOut())
    send(new URL("../api/event", script.src), () => JSON.stringify(event));
  // A page that waits for it, to go on to another one, goes on uncounted too.
  event.callback?.();
};

const act = (event, find, url) => {
  const element = find(
    event.type == "submit" ? "form[data-event]" : ":not(form)[data-event]",
  );
  if (element) {
    const { event, amount, currency } = named("data-", element);
    track(event, {
      props: named("data-prop-", element),
      revenue: { amount, currency },
    });
  }
  const isFile =
    /^http[^?#]+\.(pdf|(doc|xls|ppt)x?|csv|zip|exe|dmg|mp[34])(?![^?#])/i.test(url);
  // Links to addresses of e-mail and the like have no host.
  if (isFile || (url.host && url.host != location.host))
    track(isFile ? "File Download" : "Outbound Link: Click", {
      props: { url: url.href },
    });
  return element;
};

// Whether another script has the name: its function has parameters, a stub none.
const isTaken = (name) => window[name]?.call && window[name].length;

const start = () => {
  const name = options.as || "pagetracker";
  // A second script counts nothing.
  if (isTaken(name)) return;
  followReading(track);
  followClicks(act);
  if (!("manual" in options))
    followRoutes("hash" in options, "replace" in options, track);
  if ("404" in options) track("404", { interactive: false });
  // Pages written for Plausible load this name too, and call theirs.
  for (const each of [name, "plausible"])
    if (!isTaken(each)) {
      const stub = window[each]; // or an element of that name
      window[each] = track;
      stub?.q?.map?.((call) => track(...call));
    }
};

// What stands in the page itself, or is a module, does not know where to send.
if (script?.src) onceSeen(start);
else console.warn("pagetracker: src is missing");
