/* Sends what the server counts once, however often it arrives. */
import { pause } from "./page.js";

export const newId = () => Math.random() + [Math.random()];

// What fails is sent once more: the server knows it by its id and counts it once, so
// `body` gives the same each time; if it throws, nothing is sent. Each try is shown to
// `told`, as the promise of an answer.
export const send = (address, body, told) => {
  const post = async () => {
    const asked = fetch(address, {
      method: "POST",
      keepalive: true,
      body: body(),
    });
    told?.(asked);
    const answer = await asked;
    if (answer.status > 428) throw answer.headers.get("Retry-After");
  };
  post()
    .catch((seconds) => pause(seconds * 1e3 || 3e3).then(post))
    .catch(() => {});
};
