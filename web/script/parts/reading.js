/* How long and how far the page is read. */
import { own } from "./page.js";

let page; // the address of the page that is being read
let engaged; // for how many milliseconds it was in sight, as far as not yet told
let inSightSince; // when it was last seen to be in sight; 0 while it is out of it
let deepest; // the lowest pixel of the page that was seen
let track; // what sends it: in milliseconds, and percent of the page

// From here on it is this page that is being read.
export const turnTo = (url) => {
  if (url == page) return;
  look(0);
  page = url;
  engaged = deepest = 0;
};

// Runs when the page has come into sight, gone out of it or moved, and each minute; or,
// without an event, when it is left. Tells how long and how far it was read, where it
// is left or a quarter of an hour was read.
const look = (event) => {
  const now = performance.now();
  // It is looked at each minute: where much more has passed, the computer slept.
  if (inSightSince) engaged += Math.min(now - inSightSince, 9e4);
  inSightSince = own("hidden") ? 0 : now;
  // What scrolls: an element in the window's middle that is no small part of it; else
  // the page as a whole.
  const node =
    document
      .elementsFromPoint(innerWidth / 2, innerHeight / 2)
      .find(
        (node) =>
          node.clientHeight > innerHeight / 2 &&
          node.clientHeight < node.scrollHeight &&
          /^[as]/.test(getComputedStyle(node).overflowY),
      ) || document.documentElement;
  // A body's scrolling may be the window's, and in old pages the root is all of the page.
  deepest = Math.max(
    deepest,
    Math.max(node.scrollTop, scrollY) + Math.min(node.clientHeight, innerHeight),
  );
  if (engaged > (event && inSightSince && 9e5)) {
    track("engagement", {
      url: page,
      e: engaged,
      sd: (deepest / node.scrollHeight) * 100,
    });
    engaged = 0;
  }
};

export const followReading = (tracker) => {
  track = tracker;
  addEventListener("scroll", look, 1);
  addEventListener("visibilitychange", look);
  // A visit is over after half an hour of silence: a long read is told meanwhile.
  setInterval(look, 6e4, 1);
};
