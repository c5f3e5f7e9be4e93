/* What every script needs to know of the page that it stands in. */

// Elements take the place of what a page says of itself (<img name="title">), and a
// form's fields of what the form does: so it is read where their names do not reach.
export const own = (name) => Reflect.get(Document.prototype, name, document);

// What an element's attributes say that are named like this.
export const named = (start, element) => {
  const found = {};
  for (const name of element.getAttributeNames())
    if (!name.indexOf(start))
      found[name.slice(start.length)] = element.getAttribute(name);
  return found;
};

// Waits, but not longer than until the page goes out of sight.
export const pause = (milliseconds) =>
  new Promise((end) => {
    setTimeout(end, milliseconds);
    addEventListener("visibilitychange", end);
  });

// Whether nothing counts here: of whoever has opted out, and in a frame that the page
// itself has written.
export const isLeftOut = () => {
  try {
    return (
      // What a page writes into a frame has the page's own address.
      (frameElement && parent.location == location.href) ||
      navigator.globalPrivacyControl ||
      localStorage.pagetracker_ignore
    );
  } catch {
    // Storage is forbidden here, so that nobody has opted out in it.
  }
};

// What the browser loads ahead counts when somebody sees it.
export const onceSeen = (start) => {
  if (document.prerendering)
    document.addEventListener("prerenderingchange", start);
  else start();
};
