#!/bin/sh
# flagd's own evaluators deal the visitors of one flag differently. `fractional` hashes
# the key as text in JavaScript (@openfeature/flagd-core 4.0.1), and as text packed by CBOR
# in Python (openfeature-flagd-core 2.0.0). So where a page and its server have the same
# file of flags, half of the visitors get one variant in the page and another on the
# server, and an experiment's groups are mixed. Groups that are to be the same everywhere
# need shares that are dealt by one rule (SHA-256, in docs/reference/flags.md).
#
# Seen: 517 of 1000 visitors get another variant of two in JavaScript than in Python
# Fails where that has changed. Needs npm.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  openfeature-flagd-core==2.0.0 openfeature-sdk==0.10.0
npm install --silent --no-audit --no-fund --ignore-scripts \
  @openfeature/flagd-core@4.0.1 @openfeature/core@1.12.0

cat >flags.json <<'JSON'
{
  "flags": {
    "checkout": {
      "state": "ENABLED",
      "variants": { "old": "old", "new": "new" },
      "defaultVariant": "old",
      "targeting": { "fractional": [["old", 50], ["new", 50]] }
    }
  }
}
JSON

cat >dealt.mjs <<'JAVASCRIPT'
import { readFileSync } from "node:fs";
import { FlagdCore } from "@openfeature/flagd-core";

const core = new FlagdCore();
core.setConfigurations(readFileSync("flags.json", "utf8"));
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
for (let number = 0; number < 1000; number++) {
  const visitor = { targetingKey: `visitor-${number}` };
  const { value } = core.resolveStringEvaluation("checkout", "none", visitor, quiet);
  console.log(value);
}
JAVASCRIPT
node dealt.mjs >by-javascript

venv/bin/python - >by-python <<'PYTHON'
from pathlib import Path

from openfeature.contrib.tools.flagd.core.flagd_core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

core = FlagdCore()
core.set_flags(Path("flags.json").read_text("utf-8"))
for number in range(1000):
    visitor = EvaluationContext(targeting_key=f"visitor-{number}")
    print(core.resolve_string_value("checkout", "none", visitor).value)
PYTHON

[ "$(sort -u by-javascript | tr '\n' ' ')" = "new old " ]
[ "$(sort -u by-python | tr '\n' ' ')" = "new old " ]
differing=$(paste by-javascript by-python | awk '$1 != $2' | wc -l)
echo "$differing of 1000 visitors get another variant of two in JavaScript than in Python"
[ "$differing" -gt 400 ]
