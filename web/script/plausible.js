/*
 * What pages load that were written for Plausible, with either of its two snippets; the
 * events are those of script.js. The server calls it with the words in the script's
 * name (`ASKED`: "hash.outbound-links", ""; of a pa-….js the site that it means), and
 * has built it with what these ask for: LINKS, TAGGED, EXCLUSIONS; CALLED if it waits
 * for plausible.init().
 */
import { followClicks } from "./parts/clicks.js";
import { isLeftOut, named, onceSeen, own } from "./parts/page.js";
import { followReading, turnTo } from "./parts/reading.js";
import { followRoutes } from "./parts/routes.js";
import { newId, send } from "./parts/sending.js";

const FILES =
  "pdf,xlsx,docx,txt,rtf,csv,exe,key,pps,ppt,pptx,7z,pkg,rar,gz,zip," +
  "avi,mov,mp4,mpeg,wmv,midi,mp3,wav,wma,dmg";

const [words, domain] = [ASKED];
const script = own("currentScript") || document.getElementById("plausible");
let options;
let viewed; // the last page view, as it was sent

const isExcluded = () => {
  const matches = (patterns) =>
    patterns.split(",").some((pattern) => {
      const expression = pattern
        .trim()
        .replace(/\*\*|\*|[^\w/]/g, (found) =>
          found == "**" ? ".*" : found == "*" ? "[^/]*" : "\\" + found,
        );
      return RegExp(`^${expression}/?$`).test(
        location.pathname + (options.hashBasedRouting ? location.hash : ""),
      );
    });
  const { include, exclude } = script.dataset;
  return (include && !matches(include)) || (exclude && matches(exclude));
};

const isOptedOut = () => {
  try {
    return localStorage.plausible_ignore == "true";
  } catch {
    // Storage is forbidden here, so that nobody has opted out in it.
  }
};

// Plausible counts nothing of a developer's own machine, unless told to.
const isLocal = () =>
  !options.captureOnLocalhost &&
  /^file:|^\w+:\/\/(localhost|127(\.\d+){1,3}|\[::1\])(:|\/)/.test(location) &&
  (options.logging === false || !console.warn("pagetracker: localhost is not counted"));

// Tells how it went with the first try, for which a page may wait.
const post = (event, callback) => {
  event = { ...event, id: newId(), t: own("title"), w: screen.width };
  send(
    options.endpoint,
    () => JSON.stringify(event),
    (asked) => {
      const told = callback;
      callback = 0;
      asked.then(
        ({ status }) => told?.({ status }),
        (error) => told?.({ error }),
      );
    },
  );
};

// What pages call: plausible("Signup", { props: { plan: "pro" } }).
const track = (name, given = {}) => {
  const { customProperties, hashBasedRouting, transformRequest } = options;
  const url = given.u || given.url || location.href;
  const isView = name == "pageview";
  let event = !isLeftOut() &&
    !isOptedOut() &&
    !isLocal() &&
    !(EXCLUSIONS && isView && isExcluded()) && {
      n: name,
      u: url,
      d: options.domain,
      r: own("referrer") || null,
      p: {
        ...(CALLED && customProperties?.call
          ? customProperties(name)
          : customProperties),
        ...given.meta,
        ...given.props,
      },
      $: given.revenue,
      i: given.interactive,
      h: hashBasedRouting && 1,
    };
  if (CALLED && event && transformRequest) event = transformRequest(event);
  if (isView) {
    turnTo(url);
    viewed = event;
  }
  if (!event) return given.callback?.();
  post(event, given.callback);
};

// The event that classes make of an element: plausible-event-name=Sign+Up, or with --
// where an editor does not let = through.
const namedBy = (element) => {
  const said = { event: {}, revenue: {} };
  for (const name of element.classList) {
    const [, kind, key, value] =
      /^plausible-(event|revenue)-(.+?)(?:=|--)(.+)/.exec(name) || [];
    if (kind) said[kind][key] = value.replace(/\+/g, " ");
  }
  return said;
};

const act = (event, find, url) => {
  const isSubmission = event.type == "submit";
  if (TAGGED) {
    const way = event.composedPath().slice(0, isSubmission ? 1 : 4);
    const near = (selector) => way.includes(find(selector)) && find(selector);
    const element = near('[class*="plausible-event-name"]');
    // What is clicked in a form counts where the form is submitted.
    if (element && isSubmission == !!near("form")) {
      const { event, revenue } = namedBy(element);
      const { name, ...props } = event;
      if (url.host) props.url = url.href;
      if (name) track(name, { props, revenue });
      return 1;
    }
  }
  if (
    CALLED &&
    isSubmission &&
    options.formSubmissions &&
    HTMLFormElement.prototype.checkValidity.call(event.target)
  )
    track("Form: Submission");
  if (LINKS) {
    const { fileDownloads, outboundLinks } = options;
    const [address] = url.href.split("?");
    const kinds = fileDownloads?.fileExtensions || FILES.split(",");
    if (outboundLinks && url.host && url.host != location.host)
      track("Outbound Link: Click", { props: { url: url.href } });
    else if (fileDownloads && kinds.includes(address.split(".").pop()))
      track("File Download", { props: { url: address } });
  }
};

// In the attributes of the older snippet: other kinds of files, or further ones.
const fileTypes = () =>
  (
    script.getAttribute("file-types") ||
    `${FILES},${script.getAttribute("add-file-types")}`
  ).split(/[, ]+/);

const start = (chosen) => {
  options = chosen;
  onceSeen(() => {
    const stub = window.plausible; // or an element of that name
    if (stub?.l) return; // a second script counts nothing
    window.plausible = track;
    track.l = true;
    followReading((n, { url: u, ...read }) => {
      if (viewed) post({ ...viewed, n, u, ...read });
    });
    if (TAGGED || LINKS || CALLED) followClicks(act);
    if (options.autoCapturePageviews ?? true)
      followRoutes(options.hashBasedRouting, false, track);
    stub?.q?.map((call) => track(...call));
  });
};

// A script that is loaded quickly runs before the page's own stub, which leaves this one
// in its place.
const newStub = () => {
  const stub = (...call) => stub.q.push(call);
  stub.q = [];
  addEventListener("load", () => {
    if (!options) console.warn("pagetracker: plausible.init?");
  });
  return (window.plausible = stub);
};

const begin = (stub) => {
  const endpoint = new URL("/api/event", script.src).href;
  const { dataset } = script;
  const asks = (word) => words.includes(word);
  const init = (chosen) =>
    start({
      endpoint,
      outboundLinks: true,
      fileDownloads: true,
      formSubmissions: true,
      ...chosen,
      domain,
    });
  if (!CALLED)
    start({
      domain: dataset.domain,
      endpoint: dataset.api || endpoint,
      hashBasedRouting: asks("hash"),
      outboundLinks: LINKS && asks("outbound"),
      fileDownloads: LINKS && asks("file") && { fileExtensions: fileTypes() },
      captureOnLocalhost: asks("local"),
      autoCapturePageviews: !asks("manual"),
      customProperties: named("event-", script),
    });
  else if (stub?.o) init(stub.o);
  else (stub || newStub()).init = init;
};

if (!script?.src) console.warn("pagetracker: src is missing");
else begin(window.plausible);
