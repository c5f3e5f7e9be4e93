#!/bin/sh
# docusaurus-plugin-matomo 0.0.8 counts the first page of each visit twice: what it writes
# into pages says `trackPageView`, and Docusaurus (3.9.2) calls its `onRouteUpdate`, which
# says so too, for the first page as well. Matomo counts both, so a visitor who reads one
# page and leaves has two page views, and no bounce. A history that was imported from
# there has more views than are counted elsewhere.
#
# Seen, of a page of a site that was built with both and loaded once (by jsdom):
#       ["trackPageView"],...,["setCustomUrl","/"],...,["trackPageView"]
# Fails where that has changed. Needs npm, and some minutes. webpack is older than Docusaurus
# allows, since its own progress bar does not go with the newest.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @docusaurus/core@3.9.2 \
  @docusaurus/plugin-content-pages@3.9.2 docusaurus-plugin-matomo@0.0.8 jsdom@26.1.0 \
  react@19.2.0 react-dom@19.2.0 webpack@5.99.9

cat >docusaurus.config.js <<'JAVASCRIPT'
module.exports = {
  title: "Docs",
  url: "https://docs.example.com",
  baseUrl: "/",
  plugins: ["@docusaurus/plugin-content-pages", "docusaurus-plugin-matomo"],
  themeConfig: { matomo: { matomoUrl: "https://stats.example.com/", siteId: "1" } },
};
JAVASCRIPT
mkdir -p src/pages
echo 'export default () => "the first page";' >src/pages/index.js
NODE_ENV=production npx docusaurus build >log 2>&1 || { cat log; exit 1; }

cat >load.mjs <<'JAVASCRIPT'
import { readFile } from "node:fs/promises";
import { JSDOM, ResourceLoader, VirtualConsole } from "jsdom";

/** The files that were built; of any other host, nothing. */
class Built extends ResourceLoader {
  fetch(url) {
    const { host, pathname } = new URL(url);
    const isOurs = host === "docs.example.com";
    return isOurs ? readFile(`build${pathname}`) : Promise.resolve(Buffer.from(""));
  }
}

const { window } = await JSDOM.fromFile("build/index.html", {
  url: "https://docs.example.com/",
  runScripts: "dangerously",
  pretendToBeVisual: true,
  resources: new Built(),
  virtualConsole: new VirtualConsole(),
});
await new Promise((resolve) => window.setTimeout(resolve, 3000));
console.log(JSON.stringify(window._paq));
const views = window._paq.filter(([name]) => name === "trackPageView").length;
process.exit(views === 2 ? 0 : 1);
JAVASCRIPT
node load.mjs
