#!/usr/bin/env bash
# Tries a wheel as a user would: tools/smoke.sh WHEEL
# A fresh virtual environment with requirements/run.lock and the wheel, in an empty directory far from the checkout.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
wheel=$(realpath "$1")
python=$(realpath --no-symlinks "$(command -v "${PYTHON:-python3}")")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

"$python" -m venv venv
pip() { venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check "$@"; }
pip --require-hashes --only-binary :all: -r "$checkout/requirements/run.lock"
pip --no-deps --no-index "$wheel"

expect() { # expect STATUS COMMAND…
  local wanted=$1 status=0
  shift
  echo "$ ${*##*/}"
  "$@" || status=$?
  [ "$status" -eq "$wanted" ] || { echo "status $status, expected $wanted" >&2 && exit 1; }
}

mkdir empty
cd empty
expect 0 ../venv/bin/python - <<'PYTHON'
from importlib.resources import files

for name in ("policies", "templates"):
    inside = files("auditkit") / "_data" / name
    count = sum(1 for _ in inside.iterdir())
    print(f"auditkit/_data/{name}: {count} entries")
    if not count or "site-packages" not in str(inside):
        raise SystemExit(1)
PYTHON
expect 0 ../venv/bin/auditkit policies test
expect 0 ../venv/bin/auditkit example example
expect 1 ../venv/bin/auditkit audit -c example/auditkit.yaml -o run
expect 1 ../venv/bin/auditkit gate run
for file in run/assessment.json run/reports/report.html run/reports/report.pdf; do
  test -s "$file" || { echo "the audit left no $file" >&2 && exit 1; }
done
echo "The wheel works: $(basename "$wheel")"
