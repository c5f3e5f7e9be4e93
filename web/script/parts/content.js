/*
 * What pages written for Matomo mark as content:
 * https://developer.matomo.org/guides/content-tracking
 */

// What is marked by an attribute, or by either of two classes.
const marked = (attribute, word) =>
  `[data-${attribute}],.matomo${word},.piwik${word}`;

const BLOCK = marked("track-content", "TrackContent");
const PIECE = marked("content-piece", "ContentPiece");
const TARGET = marked("content-target", "ContentTarget");
const IGNORED = marked("content-ignoreinteraction", "ContentIgnoreInteraction");

export const blocksIn = (node) => node.querySelectorAll(BLOCK);
export const blockAround = (node) => node.closest(BLOCK);

const within = (block, selector) =>
  block.matches(selector) ? block : block.querySelector(selector);

// The block that a click there is one on, if it is on its target.
export const blockMeant = (clicked) => {
  const block = !clicked.closest(IGNORED) && blockAround(clicked);
  return block && (within(block, TARGET) || block).contains(clicked) && block;
};

// Name, piece and target of a block.
export const described = (block) => {
  const pieceNode = within(block, PIECE) || block;
  const targetNode = within(block, TARGET) || block;
  const piece =
    pieceNode.getAttribute("data-content-piece") || pieceNode.currentSrc || pieceNode.src;
  const target =
    targetNode.getAttribute("data-content-target") || targetNode.href || pieceNode.href;
  const titled = [block, pieceNode, targetNode].find((node) => node.title);
  const name =
    within(block, "[data-content-name]")?.getAttribute("data-content-name") ||
    piece?.replace(location.origin, "") ||
    titled?.title;
  return [name || "Unknown", piece || "Unknown", target];
};
