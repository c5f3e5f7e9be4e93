/* What is clicked and submitted, wherever on the page it stands. */

let control; // what a click on its label, which has counted, clicks too

// Calls `act` with the event, what finds an element on its way by a selector, and the
// link as an <a> (without an address, where there is none). It gives whether that
// counted as the page's own event.
export const followClicks = (act) => {
  const look = (event) => {
    const way = event.composedPath();
    const find = (selector) =>
      way.find(
        (node) =>
          node instanceof Element && Element.prototype.matches.call(node, selector),
      );
    // A submission does not leave its shadow tree.
    for (const node of way)
      if (node instanceof ShadowRoot) node.addEventListener("submit", look);

    const link = find("a,area");
    // The middle button opens links, and does nothing else; the right one does nothing.
    if (way[0] == control || event.button > !!link) return;
    // What an SVG links to is written as it stands there.
    const url = document.createElement("a");
    if (link) url.href = link.href.baseVal ?? link;
    if (act(event, find, url)) {
      // One click on a label is two: the browser makes the other one at once.
      control = find("label")?.control;
      setTimeout(() => (control = 0));
    }
  };
  addEventListener("click", look);
  addEventListener("auxclick", look);
  addEventListener("submit", look);
};
