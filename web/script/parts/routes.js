/* Which of the site's pages is shown, in an application too that changes them itself. */
import { pause } from "./page.js";
import { turnTo } from "./reading.js";

let route; // what of the address tells it from the site's other pages

// Tracks a view now and where the address has become another page's; where it was only
// replaced, it is remembered.
export const followRoutes = (byHash, byReplacing, track) => {
  const look = async ({ navigationType, persisted }) => {
    // Back from the browser's memory, where the script was asleep, it is one anew.
    const before = !persisted && route;
    const url = location.href;
    route = location.pathname + (byHash && location.hash);
    if (route == before || (navigationType == "replace" && !byReplacing)) return;
    turnTo(url);
    // An application sets the title after the address.
    if (before) await pause(90);
    track("pageview", { url });
  };
  look(0);
  for (const method of ["push", "replace"]) {
    const original = history[method + "State"];
    history[method + "State"] = (...change) => {
      original.call(history, ...change);
      look({ navigationType: method });
    };
  }
  addEventListener("popstate", look);
  window.navigation?.addEventListener("currententrychange", look);
  addEventListener("pageshow", look);
};
