/*
 * What pages load that were written for Matomo (`/matomo.js`, `/piwik.js`): what they
 * push into _paq, with hits in Matomo's format (protocols/matomo.py), and reading as in
 * script.js. Two cookies only: who has opted out, and who has agreed to be counted.
 */
import { followClicks } from "./parts/clicks.js";
import { blockAround, blockMeant, blocksIn, described } from "./parts/content.js";
import { isLeftOut, onceSeen, own } from "./parts/page.js";
import { followReading, turnTo } from "./parts/reading.js";
import { newId, send } from "./parts/sending.js";

const FILES =
  "7z|aac|apk|arc|arj|asf|asx|avi|azw3|bin|csv|deb|dmg|docx?|epub|exe|flv|gif|gz|gzip|" +
  "hqx|ibooks|jar|jpe?g|js|mobi|mov|movie|mp[234]|mpe?g|msi|msp|od[bfgst]|og[gv]|pdf|" +
  "phps|png|pptx?|qtm?|ram?|rar|rpm|sea|sit|tar|tbz2?|tgz|torrent|txt|wav|wma|wmv|wpd|" +
  "xlsx?|xml|xsd|z|zip";
const OPTED_OUT = "mtm_consent_removed";
const AGREED = "mtm_consent";
// Settings that mean nothing here: of cookies, and of when and how it is sent.
const NOT_NEEDED =
  /^(get|is|has|(set|disable)(Queue)?Request)|cookie|beacon|tim(er|ing|eout)|feature/i;
const script = own("currentScript");
const early = (window._paq ||= []);

let address = script && new URL("matomo.php", script.src);
let site;
let user; // who is signed in, if the page says so
let url; // of the page, where it is said; and where its visitor came from, and its title
let referrer;
let title;
let fileTypes = FILES;
let ownHosts = [];
const others = []; // that each hit is sent to as well: addresses and sites
// The classes that say what a link is, besides matomo_… and piwik_….
const classes = { link: [], download: [], ignore: [] };
let isFollowing; // links
let looksAtContent;
let shownContent = new Set(); // of the page that is shown
let mustAgree; // before anything counts
let respectsDnt;
let waiting = []; // what is kept until a visitor agrees
let items = {}; // of the cart, by what they are sold under
const dimensions = {};
const variables = { visit: {}, page: {} };

const has = (cookie) => {
  try {
    return document.cookie.includes(cookie + "=");
  } catch {
    // Cookies are forbidden here, so that nobody has said anything in one.
  }
};
const remember = (cookie, hours) => {
  const seconds = (hours || 9600) * 3600; // browsers keep none for longer
  document.cookie = `${cookie}=${Date.now()};path=/;max-age=${seconds};SameSite=Lax`;
};
const forget = (cookie) => {
  document.cookie = `${cookie}=;path=/;max-age=0`;
};

const isOff = () =>
  isLeftOut() ||
  has(OPTED_OUT) ||
  (respectsDnt && /1|yes/.test(navigator.doNotTrack));

const shown = () => url ?? location.href;

// Sends a hit, or keeps it until the visitor agrees. What is nothing is left out.
const hit = (said) => {
  if (isOff()) return;
  const fields = {
    rec: 1,
    r: newId(),
    send_image: 0,
    url: shown(),
    urlref: referrer ?? own("referrer"),
    uid: user,
    res: `${screen.width}x${screen.height}`,
    cvar: JSON.stringify(variables.page),
    _cvar: JSON.stringify(variables.visit),
    ...dimensions,
    ...said,
  };
  const body = new URLSearchParams();
  for (const name in fields)
    if (![undefined, null, false, "", "{}"].includes(fields[name]))
      body.set(name, fields[name]);
  if (mustAgree) waiting.push(body);
  else sendToAll(body);
};

const sendToAll = (body) => {
  for (const [where, idsite] of site ? [[address, site], ...others] : others)
    send(where, () => new URLSearchParams([["idsite", idsite], ...body]));
};

const agree = () => {
  mustAgree = false;
  waiting.forEach(sendToAll);
  waiting = [];
};

const order = (revenue, more) =>
  hit({
    idgoal: 0,
    revenue,
    ec_items: JSON.stringify(Object.values(items)),
    ...more,
  });

const isOurs = (host) =>
  host == location.host ||
  ownHosts.some((each) => {
    const [bare] = each.replace(/^\*?\.?/, "").split("/");
    return host == bare || (each != bare && host.endsWith("." + bare));
  });

// Blocks of content count once a page.
const tellShown = (blocks) => {
  for (const block of blocks)
    if (!shownContent.has(block)) {
      shownContent.add(block);
      calls.trackContentImpression(...described(block));
    }
};
const watcher = new IntersectionObserver((entries) =>
  tellShown(entries.filter((each) => each.isIntersecting).map((each) => each.target)),
);
const watch = () => {
  watcher.disconnect();
  for (const block of blocksIn(document)) watcher.observe(block);
};

// Looks for content once the page has all of it, and at clicks on it from then on.
const lookForContent = (look) => {
  looksAtContent = true;
  if (document.readyState == "loading")
    document.addEventListener("DOMContentLoaded", look);
  else look();
};
const interact = (block, action) =>
  block && calls.trackContentInteraction(action, ...described(block));

const act = (event, find, link) => {
  if (looksAtContent && event.type != "submit")
    interact(blockMeant(event.target), "click");
  const element = find("a,area");
  const says = (word) =>
    [`matomo_${word}`, `piwik_${word}`, ...classes[word]].some((name) =>
      element.classList.contains(name),
    );
  if (!element || !isFollowing || event.type == "submit" || says("ignore")) return;
  const isFile =
    element.hasAttribute("download") ||
    says("download") ||
    RegExp(`\\.(${fileTypes})$`, "i").test(link.pathname);
  if (isFile) hit({ download: link.href });
  else if (says("link") || (link.host && !isOurs(link.host)))
    hit({ link: link.href });
};

const told = new Set(); // of errors
const tellError = ({ message, filename, lineno, colno }) => {
  const place = `${filename}:${lineno}:${colno}`;
  if (!message || told.has(place + message)) return;
  told.add(place + message);
  calls.trackEvent("JavaScript Errors", place, message);
};

const calls = {
  setTrackerUrl: (said) => (address = new URL(said, location)),
  setSiteId: (said) => (site = said),
  setCustomUrl: (said) => (url = new URL(said, location).href),
  setReferrerUrl: (said) => (referrer = said),
  setDocumentTitle: (said) => (title = said),
  setUserId: (said) => (user = said),
  resetUserId: () => (user = ""),
  getUserId: () => user,
  setDomains: (said) => (ownHosts = [].concat(said)),
  setDoNotTrack: (said) => (respectsDnt = said),
  setDownloadExtensions: (said) => (fileTypes = [].concat(said).join("|")),
  addDownloadExtensions: (said) => (fileTypes += "|" + [].concat(said).join("|")),
  setLinkClasses: (said) => (classes.link = [].concat(said)),
  setDownloadClasses: (said) => (classes.download = [].concat(said)),
  setIgnoreClasses: (said) => (classes.ignore = [].concat(said)),
  addTracker: (where, said) => others.push([new URL(where || address, location), said]),
  setCustomDimension: (number, value) => (dimensions["dimension" + number] = value),
  deleteCustomDimension: (number) => delete dimensions["dimension" + number],
  setCustomVariable: (number, name, value, scope = "visit") =>
    (variables[scope][number] = [name, value]),
  deleteCustomVariable: (number, scope = "visit") => delete variables[scope][number],
  trackPageView: (said, more) => {
    turnTo(shown());
    shownContent = new Set();
    hit({ action_name: said || title || own("title"), ...more });
  },
  trackEvent: (e_c, e_a, e_n, e_v, more) => hit({ e_c, e_a, e_n, e_v, ca: 1, ...more }),
  trackGoal: (idgoal, revenue, more) => hit({ idgoal, revenue, ...more }),
  trackLink: (link, kind, more) => hit({ [kind]: link, ...more }),
  trackSiteSearch: (search, search_cat, search_count, more) =>
    hit({ search, search_cat, search_count, ...more }),
  trackContentImpression: (c_n, c_p, c_t) => hit({ c_n, c_p, c_t, ca: 1 }),
  trackContentInteraction: (c_i, c_n, c_p, c_t) => hit({ c_i, c_n, c_p, c_t, ca: 1 }),
  trackAllContentImpressions: () =>
    lookForContent(() => tellShown(blocksIn(document))),
  trackVisibleContentImpressions: () => lookForContent(watch),
  trackContentImpressionsWithinNode: (node) =>
    lookForContent(() => tellShown(blocksIn(node))),
  trackContentInteractionNode: (node, action = "Unknown") =>
    interact(blockAround(node), action),
  addEcommerceItem: (sku, ...more) => (items[sku] = [sku, ...more]),
  removeEcommerceItem: (sku) => delete items[sku],
  clearEcommerceCart: () => (items = {}),
  trackEcommerceCartUpdate: (revenue) => order(revenue),
  trackEcommerceOrder: (ec_id, revenue, ec_st, ec_tx, ec_sh, ec_dt) => {
    order(revenue, { ec_id, ec_st, ec_tx, ec_sh, ec_dt });
    items = {};
  },
  enableLinkTracking: () => (isFollowing = true),
  enableJSErrorTracking: () => addEventListener("error", tellError),
  requireConsent: () => (mustAgree = !has(AGREED)),
  setConsentGiven: agree,
  rememberConsentGiven: (hours) => {
    forget(OPTED_OUT);
    remember(AGREED, hours);
    agree();
  },
  forgetConsentGiven: () => {
    forget(AGREED);
    mustAgree = true;
  },
  optUserOut: () => remember(OPTED_OUT),
  forgetUserOptOut: () => forget(OPTED_OUT),
  isUserOptedOut: () => has(OPTED_OUT),
  hasRememberedConsent: () => has(AGREED),
  isConsentRequired: () => !!mustAgree,
  getVisitorId: () => "", // nobody has one
};

const idle = (name) => () => {
  if (!NOT_NEEDED.test(name)) console.warn(`pagetracker: ${name} does nothing here`);
};

// What pages call: they go on where they call what does not exist here. Who awaits it
// does not wait for ever, and it can be written out as text.
const tracker = new Proxy(calls, {
  get: (known, name) =>
    name in known || name.description || name == "then" ? known[name] : idle(name),
});

const apply = ([name, ...values]) =>
  name?.call ? name.apply(tracker, values) : tracker[name](...values);

// These hold for what was pushed before them too.
const isFirst = ([name]) =>
  /^(setTrackerUrl|setSiteId|setUserId|addTracker|require|setDoNot)/.test(name);

const start = () => {
  followReading((n, read) => {
    if (isOff() || mustAgree) return;
    const body = JSON.stringify({ n, d: `${site}`, user, id: newId(), ...read });
    if (site) send(new URL("api/event", address), () => body);
  });
  followClicks(act);
  for (const call of early.filter(isFirst)) apply(call);
  for (const call of early.filter((call) => !isFirst(call))) apply(call);
  early.push = (...pushed) => pushed.forEach(apply);
  (window.matomoAsyncInit || window.piwikAsyncInit)?.();
  setTimeout(() => {
    if (!site && !others.length) console.warn("pagetracker: setSiteId is missing");
  }, 1e3);
};

window.Matomo = window.Piwik = {
  initialized: true,
  addTracker: calls.addTracker,
  getAsyncTracker: () => tracker,
  getTracker: (where, said) => {
    if (where) calls.setTrackerUrl(where);
    if (said) calls.setSiteId(said);
    return tracker;
  },
};

// A second script counts nothing.
if (!early.taken) {
  early.taken = true;
  onceSeen(start);
}
