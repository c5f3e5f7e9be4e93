/*
 * What pages load that were written for Umami (`/script.js`): its functions and its
 * attributes, with hits in its own format (protocols/umami.py) and our id beside it.
 */
import { isLeftOut, named, onceSeen, own, pause } from "./parts/page.js";
import { newId, send } from "./parts/sending.js";

const script = own("currentScript");
const {
  websiteId: website,
  hostUrl,
  autoTrack,
  domains,
  tag,
  excludeSearch,
  excludeHash,
  doNotTrack,
  beforeSend,
} = script?.dataset || {};

let viewed; // the address of the page that is shown
let user; // who is signed in, if the page says so
let before; // where its visitor came from

const without = (url) => {
  const { origin, pathname, search, hash } = new URL(url, location);
  return (
    origin +
    pathname +
    (excludeSearch == "true" ? "" : search) +
    (excludeHash == "true" ? "" : hash)
  );
};

const isOff = () => {
  try {
    return (
      isLeftOut() ||
      (domains && !domains.split(/[, ]+/).includes(location.hostname)) ||
      (doNotTrack == "true" && /1|yes/.test(navigator.doNotTrack)) ||
      localStorage["umami.disabled"]
    );
  } catch {
    // Storage is forbidden here, so that nobody has opted out in it.
  }
};

const page = () => ({
  website,
  screen: `${screen.width}x${screen.height}`,
  language: navigator.language,
  title: own("title"),
  hostname: location.hostname,
  url: without(location),
  referrer: before,
  tag,
  id: user,
});

const post = async (payload) => {
  if (isOff()) return;
  const change = window[beforeSend];
  if (change?.call) payload = await change("event", payload);
  if (!payload) return;
  const event = { type: "event", payload, id: newId() };
  const folder = hostUrl ? hostUrl.replace(/\/?$/, "/") : script.src;
  // Who waits for it does so until the first answer, whatever that is.
  return new Promise((end) =>
    send(
      new URL("api/send", folder),
      () => JSON.stringify(event),
      (asked) => asked.catch(() => {}).then(() => end()),
    ),
  );
};

// A view; or the event of that name; or just what the page says, or makes of a view.
const track = (said, data) =>
  post(
    typeof said == "string"
      ? { ...page(), name: said, data }
      : typeof said == "object"
        ? { ...said }
        : said?.call
          ? said(page())
          : page(),
  );

// From here on it is this user; what else is known of them is not kept.
const identify = async (said) => {
  if (typeof said == "string") user = said;
};

const look = async (url) => {
  const shown = without(url);
  if (shown == viewed) return;
  before = viewed;
  viewed = shown;
  await pause(300); // an application sets the title after the address
  track();
};

const start = () => {
  viewed = without(location);
  if (autoTrack == "false") return;
  for (const method of ["pushState", "replaceState"]) {
    const original = history[method];
    history[method] = (...change) => {
      original.call(history, ...change);
      if (change[2]) look(location);
    };
  }
  addEventListener(
    "click",
    ({ target }) => {
      // What is not in a link or button has to be clicked itself.
      const element = target.closest("a,button") || target;
      const name = element.getAttribute("data-umami-event");
      if (name) track(name, named("data-umami-event-", element));
    },
    1,
  );
  track();
};

if (!script?.src || !website) console.warn("pagetracker: data-website-id is missing");
else {
  const referrer = own("referrer");
  // From another page of the site it is no news.
  before = referrer.startsWith(location.origin) ? "" : referrer && without(referrer);
  window.umami ||= { track, identify, getSession: () => ({ website }) };
  onceSeen(() => {
    if (document.readyState == "loading")
      document.addEventListener("DOMContentLoaded", start);
    else start();
  });
}
