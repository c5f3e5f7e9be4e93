// Makes the scripts that are served, and notes which sources they were made of; with
// --check it only says whether that is so.
const { createHash } = require("node:crypto");
const { readFileSync, readdirSync, writeFileSync } = require("node:fs");
const { join, relative } = require("node:path");
const { buildSync } = require("esbuild");
const { minify } = require("terser");

const RESULTS = join(__dirname, "../src/page_tracker/web/scripts");
const NOTE = join(__dirname, "script.sha256");
const MINIFY = {
  ecma: 2020,
  compress: { passes: 4, pure_getters: true, unsafe_arrows: true },
  format: { comments: false },
};

// What the words in the name of a Plausible script ask for costs bytes only there:
// every combination is built, and named by them.
const WORDS = ["exclusions", "links", "tagged"];
const FEATURES = [...WORDS, "called"];
const combinations = WORDS.reduce(
  (found, word) => [...found, ...found.map((words) => [...words, word])],
  [[]],
);

// The names of the results, each with its source and what it is built with.
const BUILDS = [
  ["script", "script.js", []],
  ...combinations.map((words) => [
    ["plausible", ...words].join("."),
    "plausible.js",
    words,
  ]),
  ["plausible.called", "plausible.js", ["links", "tagged", "called"]],
  ["goatcounter", "goatcounter.js", []],
  ["umami", "umami.js", []],
  ["matomo", "matomo.js", []],
];

const bundle = (source, features) =>
  buildSync({
    entryPoints: [join(__dirname, source)],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2020",
    charset: "utf8",
    define: Object.fromEntries(
      FEATURES.map((each) => [each.toUpperCase(), `${features.includes(each)}`]),
    ),
  }).outputFiles[0].text;

const built = async ([name, source, features]) => [
  join(RESULTS, `${name}.js`),
  (await minify(bundle(source, features), MINIFY)).code + "\n",
];

const filesIn = (folder) =>
  readdirSync(join(__dirname, folder))
    .filter((name) => name.endsWith(".js"))
    .map((name) => join(__dirname, folder, name));

const noted = (path, text) =>
  `${createHash("sha256").update(text).digest("hex")}  ${relative(__dirname, path)}\n`;

const isUpToDate = (path, text) => {
  try {
    return readFileSync(path, "utf8") === text;
  } catch {
    return false;
  }
};

const build = async () => {
  const results = await Promise.all(BUILDS.map(built));
  const sources = [...filesIn("."), ...filesIn("parts")].map((path) => [
    path,
    readFileSync(path, "utf8"),
  ]);
  const note = [...sources, ...results].map(([path, text]) => noted(path, text));
  return [...results, [NOTE, note.join("")]];
};

build().then((files) => {
  for (const [path, text] of files) {
    if (!process.argv.includes("--check")) {
      writeFileSync(path, text);
    } else if (!isUpToDate(path, text)) {
      console.error(`${path} is not made of these sources: run \`npm run build\``);
      process.exitCode = 1;
    }
  }
});
