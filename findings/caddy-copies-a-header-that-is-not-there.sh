#!/bin/sh
# Caddy 2.6.2 (Debian 12's package) hands on a header that nobody has sent: where
# `forward_auth` is to copy a header of the authenticating server's answer, and that
# answer has none (as Authelia's has for whom a rule lets by), the program behind gets the
# name of Caddy's own placeholder as the header's text. Who makes accounts by such a
# header makes one of that name, and all such people share it.
#
# Seen: an answer without Remote-User: the program behind is told
#       Remote-User: {http.reverse_proxy.header.Remote-User}
# Fails where that has changed.
set -eu

folder=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq caddy=2.6.2-5 >/dev/null
dpkg -x caddy_*.deb system
export HOME="$folder"

cat >Caddyfile <<'CADDY'
{
	admin off
	auto_https off
}
http://127.0.0.1:18091 {
	@named header X-Known yes
	header @named Remote-User ada
	respond 200
}
http://127.0.0.1:18092 {
	respond "Remote-User: {header.Remote-User}"
}
http://127.0.0.1:18093 {
	forward_auth 127.0.0.1:18091 {
		uri /
		copy_headers Remote-User
	}
	reverse_proxy 127.0.0.1:18092
}
CADDY
system/usr/bin/caddy version
system/usr/bin/caddy run --config Caddyfile --adapter caddyfile >log 2>&1 &
server=$!
ask() { curl -s --retry 20 --retry-connrefused --retry-delay 1 "$@" http://127.0.0.1:18093/; }

test "$(ask -H 'X-Known: yes')" = 'Remote-User: ada'
test "$(ask)" = 'Remote-User: {http.reverse_proxy.header.Remote-User}'
echo "the program behind is told the placeholder's name"
