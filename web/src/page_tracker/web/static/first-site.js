// A site's first minutes: its zone guessed, its line copied, its first hit waited for.
"use strict";
const zone = document.querySelector("select[data-guess]");
if (zone) {
  const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...zone.options].some((option) => option.value === guess)) zone.value = guess;
}

const copy = document.getElementById("copy");
if (copy && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById("code").textContent);
    copy.textContent = "Copied";
  });
}

const news = document.getElementById("news");
const look = async () => {
  try {
    const answer = await fetch(news.dataset.news, { redirect: "follow" });
    if (answer.redirected) return location.assign(answer.url);
    if (answer.ok && !news.contains(document.activeElement)) {
      const text = await answer.text();
      if (text !== news.dataset.text) news.innerHTML = news.dataset.text = text;
    }
  } catch {
    // The server is away: what is shown stays, and the next look may find it.
  }
  setTimeout(look, 2000);
};
if (news) setTimeout(look, 2000);
