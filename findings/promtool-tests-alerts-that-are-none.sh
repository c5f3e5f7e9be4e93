#!/bin/sh
# promtool 2.42 (Debian 12's package) says SUCCESS to a test of an alert that no rule has:
# a name that is misspelt where no alert is expected makes a test that cannot fail. It
# refuses a metric's misspelt name no more than that, since a query for it is valid.
#
# Seen: a test that WritersStopped is silent passes while WriterStopped fires. So each of our
# alerts has a test in which it fires: web/test/integration/test_alerts.py.
# Fails where that has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq prometheus=2.42.0+ds-5+deb12u1 >/dev/null
dpkg -x ./*.deb system
promtool=system/usr/bin/promtool

cat >rules.yml <<'END'
groups:
  - name: all
    rules: [{alert: WriterStopped, expr: writer_up == 0}]
END
test_of() { # test_of ALERT: that it is silent while the writer is stopped
  cat >test.yml <<END
rule_files: [rules.yml]
tests:
  - input_series: [{series: writer_up, values: "0x5"}]
    alert_rule_test: [{alertname: $1, eval_time: 3m, exp_alerts: []}]
END
  $promtool test rules test.yml >output 2>&1
}
$promtool --version | head -n 1
if test_of WriterStopped; then
  echo "the alert did not fire: this shows nothing"
  exit 1
fi
if ! test_of WritersStopped; then
  echo "the misspelt alert is refused: this has changed"
  exit 1
fi
cat output
echo "no rule is called WritersStopped, and its test passes"
