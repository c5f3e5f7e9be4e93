// Makes the map of the world that pages colour: a shape for each country of ISO 3166-1,
// and Kosovo; its id is the code of two letters. Equal Earth projection, 600 units wide.
const { geoArea, geoContains, geoEqualEarth, geoPath } = require("d3-geo");
const { numericToAlpha2 } = require("i18n-iso-countries");
const { writeFileSync } = require("node:fs");
const { resolve } = require("node:path");
const { feature } = require("topojson-client");
const atlas = require("world-atlas/countries-50m.json");

const RESULT = resolve(__dirname, "../src/page_tracker/web/static/world.svg");
const SOURCE =
  "Made by scripts/make-map from world-atlas 2.0.2 (ISC), which is made from Natural" +
  " Earth (public domain)";
const WIDTH = 600;
// A country of fewer square units is a circle: nobody would see its shape. Islands of
// fewer than TINY beside a country's largest are left out.
const SMALL = 6;
const TINY = 1;
// Shapes without a number in the atlas: the code that ISO 3166-1, or CLDR for Kosovo,
// has for addresses there. What is not here is land without a code.
const CODES = { Kosovo: "XK", Somaliland: "SO", "N. Cyprus": "CY" };
// What the atlas draws as a part of another country, or not at all: a longitude and a
// latitude in each of its lands.
const PLACES = {
  BQ: [[-68.27, 12.18]],
  BV: [[3.4, -54.4]],
  CC: [[96.87, -12.17]],
  CX: [[105.63, -10.49]],
  GF: [[-53, 4]],
  GI: [[-5.35, 36.13]],
  GP: [[-61.65, 16.15], [-61.4, 16.33]],
  MQ: [[-61.0, 14.65]],
  RE: [[55.53, -21.13]],
  SJ: [[16, 78.6], [23, 79.8], [22, 78]],
  TK: [[-171.8, -9.2]],
  TV: [[179.2, -8.5]],
  UM: [[-169.5, 16.7]],
  YT: [[45.15, -12.8]],
};

const projection = geoEqualEarth().fitWidth(WIDTH, { type: "Sphere" });
const path = geoPath(projection);

const placeOf = (polygon) =>
  Object.keys(PLACES).find((code) =>
    PLACES[code].some((point) => geoContains(polygon, point)));

const codeOf = ({ id, properties }) =>
  id ? numericToAlpha2(id) : CODES[properties.name] ?? "";

const polygonsOf = ({ type, coordinates }) =>
  (type === "Polygon" ? [coordinates] : coordinates).map((rings) => ({
    type: "Polygon",
    coordinates: rings,
  }));

// A ring as whole numbers, each point a step from the one before.
const ringOf = (points) => {
  const round = points.map(([x, y]) => [Math.round(x), Math.round(y)]);
  const kept = round.filter(([x, y], at) => {
    const [before, above] = round.at(at - 1);
    return x !== before || y !== above;
  });
  if (kept.length < 3) return "";
  const steps = kept.slice(1).map(([x, y], at) => [x - kept[at][0], y - kept[at][1]]);
  return `M${kept[0].join(" ")}l${steps.flat().join(" ")}z`.replace(/ -/g, "-");
};

// d3 cuts shapes at the edge of the map; its numbers are read back from what it draws.
const ringsOf = (polygon) =>
  path(polygon)
    .split("Z")
    .filter(Boolean)
    .map((ring) => ring.slice(1).split("L").map((point) => point.split(",").map(Number)));

const circleAt = (point) => {
  const [x, y] = point.map(Math.round);
  return `M${x - 2} ${y}a2 2 0 1 0 4 0a2 2 0 1 0-4 0z`;
};

const drawn = (polygons) => {
  const [largest] = polygons.toSorted((one, other) => geoArea(other) - geoArea(one));
  const area = polygons.reduce((sum, each) => sum + path.area(each), 0);
  if (area < SMALL) return circleAt(path.centroid(largest));
  const seen = polygons.filter((each) => each === largest || path.area(each) >= TINY);
  return seen.flatMap(ringsOf).map(ringOf).join("");
};

const lands = new Map();
for (const shape of feature(atlas, atlas.objects.countries).features) {
  for (const polygon of polygonsOf(shape.geometry)) {
    const code = placeOf(polygon) ?? codeOf(shape);
    lands.set(code, [...(lands.get(code) ?? []), polygon]);
  }
}
const shapes = new Map([...lands].map(([code, polygons]) => [code, drawn(polygons)]));
for (const [code, [point]] of Object.entries(PLACES)) {
  if (!shapes.has(code)) shapes.set(code, circleAt(projection(point)));
}
const height = Math.ceil(path.bounds({ type: "Sphere" })[1][1]);
const paths = [...shapes]
  .toSorted(([one], [other]) => (one < other ? -1 : 1))
  .map(([code, d]) => `<path${code && ` id="${code}"`} d="${d}"/>`);
writeFileSync(
  RESULT,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}">` +
    `<!-- ${SOURCE} --><g id="land">${paths.join("\n")}</g></svg>\n`,
);
console.log(`${RESULT}: ${shapes.size - shapes.has("")} countries`);
