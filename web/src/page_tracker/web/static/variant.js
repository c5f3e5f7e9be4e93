/*
 * Deals a visitor one of several variants, the same all day: `pagetracker.variant`.
 * It stands right behind the script's own line, stores nothing and sets no cookie;
 * docs/guides/experiments.md says how to use it. It is served as it is written here.
 */
(() => {
  const { src, previousElementSibling: script } = document.currentScript;
  if (!script?.src) return console.warn("pagetracker: put variant.js behind script.js");
  const called = script.dataset.as || "pagetracker";

  // Whoever is not counted is in no experiment, and is not asked about.
  const isLeftOut = () => {
    try {
      return navigator.globalPrivacyControl || localStorage.pagetracker_ignore;
    } catch {
      // Storage is forbidden here, so that nobody has opted out in it.
    }
  };

  const namesOf = (variants) =>
    Array.isArray(variants) ? variants : Object.keys(variants);

  // The variant that the server deals; undefined where it deals none.
  const dealt = async (name, variants) => {
    const url = new URL("variant.json", src);
    url.searchParams.set("d", script.dataset.domain || location.hostname);
    url.searchParams.set("name", name);
    for (const each of namesOf(variants)) url.searchParams.append("of", each);
    if (!Array.isArray(variants))
      for (const each of Object.values(variants)) url.searchParams.append("share", each);
    const answer = await fetch(url);
    if (answer.ok) return (await answer.json()).variant;
    console.warn("pagetracker:", (await answer.json()).error);
  };

  // await pagetracker.variant("buttons", ["old", "new"]), or { old: 9, new: 1 } for
  // shares other than equal ones: the first one if none is dealt.
  const variant = async (name, variants) => {
    const names = namesOf(variants);
    if (isLeftOut()) return names[0];
    const found = await dealt(name, variants).catch(() => {});
    if (!names.includes(found)) return names[0];
    // All that this page sends from now on says so; and at once that it was shown.
    script.setAttribute("data-prop-" + name, found);
    window[called]("Experiment", { interactive: false });
    return found;
  };

  // Before the script has begun, which waits while a page is prerendered, calls are kept.
  const offer = () => {
    window[called] ||= function () {
      (window[called].q ||= []).push(arguments);
    };
    window[called].variant = variant;
  };
  offer();
  document.addEventListener("prerenderingchange", offer);
})();
