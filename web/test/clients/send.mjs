// Sends by published clients, each as its documentation shows, and ends once all they
// have sent is answered: node send.mjs SERVER SITE TOKEN AGENT, in the folder with their
// modules. What is written for browsers finds as much of one as it uses.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [server, site, token, agent] = process.argv.slice(2);
const require = createRequire(`${process.cwd()}/`);
const answered = [];

const send = globalThis.fetch;
globalThis.fetch = (url, options = {}) => {
  const headers = { "User-Agent": agent, ...options.headers };
  const answer = send(url, { ...options, headers });
  answered.push(answer);
  return answer;
};

const nothing = () => {};
globalThis.navigator ??= {}; // Node.js has one from version 21 on
Object.assign(globalThis, {
  window: globalThis,
  innerWidth: 1280,
  innerHeight: 720,
  scrollY: 0,
  location: new URL(`https://${site}/page`),
  history: { pushState: nothing },
  localStorage: {},
  addEventListener: nothing,
  document: {
    referrer: "https://www.google.com/",
    visibilityState: "visible",
    body: { scrollHeight: 720, addEventListener: nothing },
    documentElement: { scrollHeight: 720 },
    addEventListener: nothing,
    hasFocus: () => true,
  },
  ResizeObserver: class {
    observe() {}
  },
  XMLHttpRequest: class {
    open(method, url) {
      this.sent = { method, url };
    }
    setRequestHeader(name, value) {
      this.sent.headers = { [name]: value };
    }
    send(body) {
      fetch(this.sent.url, { ...this.sent, body });
    }
  },
});

async function byPlausiblesOwn() {
  const folder = `${process.cwd()}/node_modules/@plausible-analytics/tracker`;
  const { init, track } = await import(pathToFileURL(`${folder}/plausible.js`));
  init({ domain: site, endpoint: `${server}/api/event`, bindToWindow: false });
  track("tracker", { props: { plan: "pro" }, revenue: { currency: "EUR", amount: 9 } });
}

function byPlausibleTracker() {
  const { default: Plausible } = require("plausible-tracker");
  const plausible = Plausible({ domain: site, apiHost: server });
  plausible.trackPageview({ url: `https://${site}/plausible-tracker` });
  plausible.trackEvent("plausible-tracker", { props: { plan: "pro" } });
}

async function byPlausibleClient() {
  const { Plausible } = require("plausible-client");
  const plausible = new Plausible({ domain: site, apiHost: server });
  await plausible.sendEvent("pageview", { url: `https://${site}/plausible-client` });
  await plausible.sendEvent("plausible-client", { props: { plan: "pro" } });
}

async function byUmami() {
  const { default: umami } = require("@umami/node");
  umami.init({ websiteId: site, hostUrl: server });
  await umami.track({ url: "/umami-node", hostname: site });
  await umami.track("umami-node", { plan: "pro" });
  await umami.identify({ plan: "pro" });
}

function byMatomoTracker() {
  const MatomoTracker = require("matomo-tracker");
  const matomo = new MatomoTracker("7", `${server}/matomo.php`);
  const visitor = { token_auth: token, cip: "198.51.100.7", ua: agent };
  const view = (path) => ({ url: `https://${site}/matomo-tracker${path}`, ...visitor });
  return new Promise((resolve, reject) => {
    matomo.on("error", reject);
    matomo.track({ ...view(""), action_name: "Title", rand: "1" });
    const events = [view("/1"), { ...view("/2"), e_c: "matomo", e_a: "tracker" }];
    matomo.trackBulk(events, (answer) => resolve(process.stdout.write(answer)));
  });
}

await byPlausiblesOwn();
byPlausibleTracker();
await byPlausibleClient();
await byUmami();
await byMatomoTracker();
const statuses = (await Promise.all(answered)).map((answer) => answer.status);
process.stderr.write(`${statuses}\n`);
