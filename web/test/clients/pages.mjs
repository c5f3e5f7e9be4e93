// What published plugins write into a page, as JSON by the plugins' names:
// node pages.mjs SERVER HOST SITE PLAUSIBLE_ID UMAMI_ID MATOMO_ID, in the folder with
// their modules.
// HOST stands for the server where a plugin writes https:// before it.
// What a plugin does in the browser is `onRouteUpdate`: its site generator calls it when
// a page is shown.

import { readFileSync } from "node:fs";
import Module, { createRequire } from "node:module";

const [server, host, site, plausibleId, umamiId, matomoId] = process.argv.slice(2);
const require = createRequire(`${process.cwd()}/`);
process.env.NODE_ENV = "production";
console.log = console.error; // one of them says that it is at work

const React = require("react");
const { renderToStaticMarkup } = require("react-dom/server");

const written = (...elements) =>
  renderToStaticMarkup(React.createElement(React.Fragment, null, ...elements));

// Next.js is not installed for this: its <Script> becomes a <script>.
const load = Module._load;
Module._load = (name, ...rest) =>
  name == "next/script"
    ? (props) => React.createElement("script", props)
    : load(name, ...rest);

const ownScript = `${server}/js/${plausibleId}.js`;
const INIT = {
  customProperties: () => ({ plan: "pro" }),
  fileDownloads: { fileExtensions: ["dwg"] },
  outboundLinks: undefined,
};

function byNext() {
  const { default: PlausibleProvider } = require("next-plausible");
  const props = { src: ownScript, init: INIT };
  return written(React.createElement(PlausibleProvider, props));
}

// The site's own addresses, and where Next.js leads them.
async function byNextAsProxy() {
  const { default: PlausibleProvider, withPlausibleProxy } = require("next-plausible");
  const config = withPlausibleProxy({ src: ownScript })({});
  Object.assign(process.env, config.env);
  const html = written(React.createElement(PlausibleProvider, { init: INIT }));
  const rewrites = await config.rewrites();
  return [html, rewrites.map(({ source, destination }) => [source, destination])];
}

const fileOf = (path) =>
  readFileSync(`${process.cwd()}/node_modules/${path}`, "utf8");

function byGatsby(name, options) {
  const parts = [];
  const add = (components) => parts.push(...components);
  const { onRenderBody } = require(`${name}/gatsby-ssr`);
  const place = { setHeadComponents: add, setPostBodyComponents: add, pathname: "/" };
  onRenderBody(place, options);
  return `${written(...parts)}<script>{
    const exports = {}, process = { env: { NODE_ENV: "production" } };
    ${fileOf(`${name}/gatsby-browser.js`)}
    window.onRouteUpdate = (shown) => exports.onRouteUpdate(shown, {});
  }</script>`;
}

const tagOf = ({ tagName, attributes = {}, innerHTML = "" }) =>
  written(
    React.createElement(tagName, {
      ...attributes,
      ...(innerHTML && { dangerouslySetInnerHTML: { __html: innerHTML } }),
    }),
  );

function byDocusaurus(name, themeConfig) {
  const plugin = require(name)({ siteConfig: { themeConfig } });
  const modules = plugin.getClientModules?.() || [];
  const said = (text) => `data:text/javascript,${encodeURIComponent(text)}`;
  const imports = {
    "@docusaurus/ExecutionEnvironment": said("export default { canUseDOM: true }"),
    ...(modules.length && { plugin: said(readFileSync(`${modules[0]}.js`, "utf8")) }),
  };
  const inBrowser = `<script type="importmap">${JSON.stringify({ imports })}</script>
    <script type="module">import plugin from "plugin"; Object.assign(window, plugin)
    </script>`;
  const { headTags } = plugin.injectHtmlTags();
  return headTags.map(tagOf).join("") + (modules.length ? inBrowser : "");
}

const direct = byNext(); // before Next.js is told of the proxy
const [proxied, rewrites] = await byNextAsProxy();
const matomo = { matomoUrl: server, siteId: matomoId };
process.stdout.write(
  JSON.stringify({
    rewrites,
    "next-plausible": direct,
    "next-plausible-proxied": proxied,
    "gatsby-plugin-plausible": byGatsby("gatsby-plugin-plausible", {
      domain: site,
      customDomain: host,
    }),
    "gatsby-plugin-matomo": byGatsby("gatsby-plugin-matomo", matomo),
    "docusaurus-plugin-matomo": byDocusaurus("docusaurus-plugin-matomo", {
      matomo: { ...matomo, matomoUrl: `${server}/` },
    }),
    "docusaurus-plugin-umami": byDocusaurus("docusaurus-plugin-umami", {
      umami: { websiteid: umamiId, src: `${server}/script.js` },
    }),
  }),
);
