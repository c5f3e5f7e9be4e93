"use strict";
/* Sends a log in pieces, of whatever length it is; without this the form sends it whole. */
const PIECE = 1 << 20;
const formOf = (event) => event.target.closest?.("form[data-log]");

async function send(form, file) {
  const tell = (words) => { (document.getElementById("sending") ?? form.querySelector("#sending")).textContent = words; };
  form.querySelector("button").disabled = true;
  try {
    for (let at = 0; at < file.size || at === 0; at += PIECE) {
      tell(`Sending ${file.name}: ${Math.floor(100 * at / (file.size || 1))}%`);
      const body = new FormData(form);
      body.set("log", file.slice(at, at + PIECE), file.name);
      body.set("at", at);
      body.set("size", file.size);
      const answer = await fetch(form.action, { method: "POST", body });
      if (answer.redirected) return location.assign(answer.url);
      if (!answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        return document.getElementById("main").replaceWith(page.getElementById("main"));
      }
    }
  } catch {
    tell("The server does not answer. Send the log again in a moment.");
    form.querySelector("button").disabled = false;
  }
}

document.addEventListener("submit", (event) => {
  const file = formOf(event)?.elements.log.files[0];
  if (!file) return;
  event.preventDefault();
  send(formOf(event), file);
});
document.addEventListener("dragover", (event) => {
  if (formOf(event)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  const form = formOf(event), file = event.dataTransfer.files[0];
  if (!form || !file) return;
  event.preventDefault();
  send(form, file);
});
