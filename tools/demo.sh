#!/usr/bin/env bash
# Audits the example estate: tools/demo.sh AUDITKIT CONFIG RUN
# The example has findings, so status 1 is the right one; every other is a fault, and so is 1 without documents.
set -euo pipefail

auditkit=$1 config=$2 run=$3

echo "$auditkit audit -c $config -o $run"
status=0
"$auditkit" audit -c "$config" -o "$run" || status=$?
if [ "$status" -ne 1 ]; then
  echo "The example audit ended with status $status; 1 (findings) was expected" >&2
  exit 1
fi
for file in "$run/assessment.json" "$run/reports/report.html" "$run/reports/report.pdf"; do
  test -s "$file" || { echo "The example audit left no $file" >&2 && exit 1; }
done
echo
echo "Status 1: the example estate has findings, as it should. Read them in"
echo "  $run/reports/report.html"
echo "  $run/reports/report.pdf"
