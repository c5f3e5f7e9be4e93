/*
 * What pages load that were written for GoatCounter (`/count.js`): its functions, its
 * settings and its attributes; the hits are those of script.js. It counts a page once,
 * and what the page itself counts: applications call goatcounter.count() for theirs.
 */
import { followClicks } from "./parts/clicks.js";
import { isLeftOut, onceSeen, own } from "./parts/page.js";
import { followReading, turnTo } from "./parts/reading.js";
import { newId, send } from "./parts/sending.js";

const script = own("currentScript");
const tag = document.querySelector("script[data-goatcounter]");
const goatcounter = (window.goatcounter ||= {});

let viewed; // the last page view, as it was sent
let isFollowing; // clicks

const endpoint = () =>
  new URL(
    tag?.dataset.goatcounter || goatcounter.endpoint || "count",
    script?.src || location,
  );

const path = () => {
  const canonical = document.querySelector("link[rel=canonical][href]");
  const { pathname, search } =
    canonical && new URL(canonical.href).host == location.host
      ? new URL(canonical.href)
      : location;
  return pathname + search;
};

// What a page says of a hit, in general or of this one; or makes of what it is.
const said = (vars, name, usual) => {
  const found = vars[name] === undefined ? goatcounter[name] : vars[name];
  return found?.call ? found(usual) : found || usual;
};

const get_data = (vars = {}) => ({
  p: said(vars, "path", path()),
  t: said(vars, "title", own("title")),
  r: said(vars, "referrer", own("referrer")),
  e: !!said(vars, "event", false),
  s: screen.width,
  q: location.search,
});

// Where a pixel counts the same; nothing where the page's path is null.
const url = (vars) => {
  const data = get_data(vars);
  const address = endpoint();
  for (const name in data)
    if (data[name]) address.searchParams.set(name, data[name]);
  address.searchParams.set("rnd", newId());
  if (!address.searchParams.has("site"))
    address.searchParams.set("site", location.hostname);
  return data.p === null ? undefined : address.href;
};

// Why nothing counts here; false where it does.
const filter = () => {
  if (document.prerendering) return "visibilityState";
  if (!goatcounter.allow_frame && location !== parent.location) return "frame";
  if (!goatcounter.allow_local) {
    if (
      /(localhost|^0\.0\.0\.0)$|^(127|10|172\.(1[6-9]|2\d|3[01])|192\.168)\./.test(
        location.hostname,
      )
    )
      return "localhost";
    if (location.protocol == "file:") return "localfile";
  }
  try {
    if (localStorage.skipgc == "t") return "disabled with #toggle-goatcounter";
  } catch {
    // Storage is forbidden here, so that nobody has opted out in it.
  }
  return !!isLeftOut() && "opted out";
};

const post = (event) => {
  const body = JSON.stringify({ ...event, id: newId() });
  send(new URL("api/event", endpoint()), () => body);
};

// The page's address, with its path as it is said, and the query for campaigns.
const pageAt = (path) => {
  const [address, hash] = path.split("#");
  return (
    location.origin +
    address.replace(/^\/*/, "/") +
    (address.includes(location.search)
      ? ""
      : (address.includes("?") ? "&" : "?") + location.search.slice(1)) +
    (hash ? "#" + hash : "")
  );
};

const count = (vars) => {
  const why = filter();
  if (why) return console.warn("goatcounter: not counting because of: " + why);
  const { p, t, r, e, s } = get_data(vars);
  if (p === null) return;
  const event = {
    n: e ? p : "pageview",
    u: e ? viewed?.u || pageAt(path()) : pageAt(p),
    d: endpoint().searchParams.get("site") || undefined,
    h: 1, // what a path says after # is said on purpose
    t,
    r,
    w: s,
  };
  if (!e) {
    turnTo(event.u);
    viewed = event;
  }
  post(event);
};

const bind_events = () => {
  if (isFollowing) return;
  isFollowing = true;
  followClicks((event, find) => {
    const element = find("[data-goatcounter-click]");
    if (!element || event.type == "submit") return;
    const {
      goatcounterClick,
      goatcounterTitle,
      goatcounterReferrer,
      goatcounterReferral,
    } = element.dataset;
    count({
      event: true,
      path: goatcounterClick || element.name || element.id || "",
      title: goatcounterTitle || element.title || element.innerHTML.slice(0, 200),
      referrer: goatcounterReferrer || goatcounterReferral || "",
    });
    return element;
  });
};

// As it stands there: neither decoded nor told from one in capitals.
const get_query = (name) => {
  const start = name.toLowerCase() + "=";
  return location.search
    .slice(1)
    .split("&")
    .find((each) => !each.toLowerCase().indexOf(start))
    ?.slice(start.length);
};

const onLoad = (act) => {
  if (document.readyState == "loading")
    document.addEventListener("DOMContentLoaded", act);
  else act();
};

// A page's path as it is stored: decoded, and without the query.
const storedPath = (path) => {
  const [plain] = path.split("?");
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain; // 100% is what it says
  }
};

const visit_count = (chosen = {}) =>
  onLoad(() => {
    const type = chosen.type || "html";
    const isPage = type == "html";
    const shown = document.createElement(isPage ? "iframe" : "img");
    const address = endpoint();
    const page = storedPath(chosen.path || path());
    address.pathname += `er/${encodeURIComponent(page)}.${type}`;
    if (!address.searchParams.has("site"))
      address.searchParams.set("site", location.hostname);
    for (const name of ["no_branding", "style", "start", "end"])
      if (chosen[name])
        address.searchParams.set(name, chosen[name] === true ? 1 : chosen[name]);
    const attributes = {
      ...(chosen.attr || { width: 200, height: chosen.no_branding ? 60 : 80 }),
      ...(isPage && { frameborder: 0, scrolling: "no" }),
      src: address.href,
    };
    for (const name in attributes) shown.setAttribute(name, attributes[name]);
    const where = document.querySelector(chosen.append || "body");
    if (where) where.append(shown);
    else console.warn("goatcounter: there is no " + chosen.append);
  });

const toggle = () => {
  if (location.hash != "#toggle-goatcounter") return;
  const isOut = localStorage.skipgc == "t";
  if (isOut) localStorage.removeItem("skipgc");
  else localStorage.skipgc = "t";
  alert(`Your visits here are ${isOut ? "counted again" : "no longer counted"}.`);
};

const start = () => {
  for (const [name, value] of Object.entries(
    JSON.parse(tag?.dataset.goatcounterSettings || "{}"),
  ))
    if (name != "endpoint") goatcounter[name] = value;
  Object.assign(goatcounter, {
    count,
    url,
    filter,
    bind_events,
    get_query,
    get_data,
    visit_count,
  });
  toggle();
  onLoad(() =>
    onceSeen(() => {
      followReading((n, { url: u, ...read }) => {
        if (viewed && !filter()) post({ ...viewed, n, u, ...read });
      });
      if (!goatcounter.no_onload) count();
      if (!goatcounter.no_events) bind_events();
    }),
  );
};

// A second script counts nothing.
if (!goatcounter.count) start();
