#!/usr/bin/env bash
# Makes a Python environment with the official OTLP stubs and gRPC (PyPI), for the tests of exporters, and prints where
# it is. One that is there is kept.
#
#   scripts/make-otlp-venv.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-$PWD/.build/otlp-venv}
packages=(grpcio==1.76.0 opentelemetry-proto==1.38.0 googleapis-common-protos==1.72.0)
# Two tests may want it at the same time.
mkdir -p "${folder%/*}"
exec 9>"$folder.lock"
flock 9
if [[ $(cat "$folder/packages" 2>/dev/null) != "${packages[*]}" ]]; then
  rm -rf "$folder"
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check "${packages[@]}"
  printf '%s\n' "${packages[*]}" >"$folder/packages"
fi
printf '%s\n' "$folder"
