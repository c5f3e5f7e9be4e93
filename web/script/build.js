// Makes the script that is served of script.js, and notes which source it was made of;
// with --check it only says whether that is so.
const { createHash } = require("node:crypto");
const { readFileSync, writeFileSync } = require("node:fs");
const { resolve } = require("node:path");
const { minify } = require("terser");

const SOURCE = resolve(__dirname, "script.js");
const RESULT = resolve(__dirname, "../src/page_tracker/web/static/script.js");
const NOTE = resolve(__dirname, "script.sha256");
const OPTIONS = {
  ecma: 2020,
  compress: { passes: 4, pure_getters: true, unsafe_arrows: true },
  format: { comments: false },
};

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

const isUpToDate = (path, text) => {
  try {
    return readFileSync(path, "utf8") === text;
  } catch {
    return false;
  }
};

const build = async () => {
  const source = readFileSync(SOURCE, "utf8");
  const result = (await minify(source, OPTIONS)).code + "\n";
  const note = `${sha256(source)}  source\n${sha256(result)}  result\n`;
  return [
    [RESULT, result],
    [NOTE, note],
  ];
};

build().then((files) => {
  for (const [path, text] of files) {
    if (!process.argv.includes("--check")) {
      writeFileSync(path, text);
    } else if (!isUpToDate(path, text)) {
      console.error(`${path} is not made of script.js: run \`npm run build\``);
      process.exitCode = 1;
    }
  }
});
