#!/usr/bin/env bash
# Writes reports/sample, as the program makes it of the example estate, and the README's picture: tools/sample.sh AUDITKIT
set -euo pipefail

auditkit=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

export SOURCE_DATE_EPOCH=1790838000 # 2026-10-01T07:00:00Z, an hour after the example was collected
"$auditkit" example "$work/example"
status=0
"$auditkit" audit -c "$work/example/auditkit.yaml" -o "$work/run" -q || status=$?
test "$status" -eq 1

mkdir -p reports/sample
cp "$work/run/reports/report.html" "$work/run/reports/report.pdf" "$work/run/assessment.json" reports/sample/
if command -v chromium >/dev/null; then
  chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --hide-scrollbars \
    --user-data-dir="$work/browser" --window-size=1280,1500 --screenshot=docs/report.png "file://$work/run/reports/report.html" \
    >/dev/null 2>&1
fi
ls -l reports/sample
