#!/bin/sh
# GoAccess 1.7 (Debian 12's package) writes a JSON report that is no JSON (RFC 8259, 8.1:
# JSON between programs is UTF-8): a path or a search phrase with a byte in percent signs
# that is not UTF-8, as pages in Latin-1 and old search engines have them, is decoded and
# stands in the report as that byte. The log itself is plain ASCII.
#
# Seen: /caf%E8 in a request: the report has the byte E8, and strict readers refuse it.
# Fails where that has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq goaccess=1:1.7-1 libmaxminddb0 libncursesw6 libtinfo6 >/dev/null
for package in *.deb; do dpkg -x "$package" system; done
libraries=$(find "$PWD/system" -name '*.so.*' -exec dirname {} + | sort -u | paste -sd:)

printf '%s %s\n' '192.0.2.1 - - [20/Nov/2026:10:05:00 +0000]' \
  '"GET /caf%E8 HTTP/1.1" 200 5 "-" "Mozilla/5.0"' >access.log
goaccess() { LD_LIBRARY_PATH=$libraries system/usr/bin/goaccess "$@"; }
goaccess --version | head -n 1
goaccess access.log --log-format=COMBINED --no-global-config -o report.json >/dev/null 2>&1

if iconv -f UTF-8 -t UTF-8 report.json >/dev/null 2>&1; then
  echo "the report is UTF-8: this has changed"
  exit 1
fi
LC_ALL=C grep -a -q "$(printf 'caf\350')" report.json
echo "the report has the byte E8 and is not UTF-8"
