#!/bin/sh
# crawler-user-agents 1.67.0 (a list of crawlers for Python) takes people for crawlers:
# one of its patterns is the number of an Android build, another the name of Facebook's
# in-app browser, and the examples that it gives for both are people's in-app browsers.
# So it may name a bot that another list has found, but must not decide by itself.
#
# Seen: build number: crawler, tagged scanner ("80legs web scraping service")
#       MetaIAB Facebook: crawler, tagged social-preview
# Fails where that has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  crawler-user-agents==1.67.0

"$folder/venv/bin/python" - <<'PYTHON'
from crawleruseragents import CRAWLER_USER_AGENTS_DATA, is_crawler

PHONE = (
    "Mozilla/5.0 (Linux; Android 15; SM-S931B Build/{}; wv) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Version/4.0 Chrome/142.0.7444.102 Mobile Safari/537.36{}"
)


def tags_of(pattern: str) -> list[str]:
    (found,) = (
        each["tags"] for each in CRAWLER_USER_AGENTS_DATA if each["pattern"] == pattern
    )
    return list(found)


assert not is_crawler(PHONE.format("AP3A.240905.015", ""))
assert is_crawler(PHONE.format("AP3A.240617.008", ""))
assert tags_of(r"AP3A\.240617\.008") == ["scanner"]
assert is_crawler(PHONE.format("AP3A.240905.015", " MetaIAB Facebook"))
assert tags_of("MetaIAB Facebook") == ["social-preview"]
print("crawler-user-agents 1.67.0 takes two people's in-app browsers for crawlers")
PYTHON
