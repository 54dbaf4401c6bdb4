#!/usr/bin/env bash
# Puts this checkout's testbed on the PATH of a job's later steps. Where the one on PATH is made
# of the very same files, nothing is installed.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

same() {
  local found place package
  found="$(command -v testbed)" || return 1
  # -P: a folder named `testbed` in the workspace must not be taken for the package.
  place="$("$(dirname "$(readlink -f "$found")")/python" -P -c \
    'import pathlib, testbed; print(pathlib.Path(testbed.__file__).parents[1])')" || return 1
  for package in testbed runner reports; do
    diff -rq -x __pycache__ "$root/$package" "$place/$package" >/dev/null || return 1
  done
}

if same; then
  echo "testbed is there already: $(command -v testbed)"
else
  make --silent -C "$root" .venv/ready
  echo "$root/.venv/bin" >>"$GITHUB_PATH"
fi
