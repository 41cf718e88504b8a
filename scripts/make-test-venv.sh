#!/usr/bin/env bash
# Creates a Python environment (PyPI) for tests and prints its path. An existing one is kept.
#
#   scripts/make-test-venv.sh [FOLDER]
#     for the tests of exporters and of the examples in AUDIT.md for other programs: the official OTLP stubs and gRPC,
#     the grammar of Logstash's pipelines, and Loki's own query parser
#   scripts/make-test-venv.sh --ansible [FOLDER]
#     for the tests with Ansible
#   scripts/make-test-venv.sh --schema [FOLDER]
#     for the test of the configuration's schema: a validator of JSON Schema, and a reader of YAML
#   scripts/make-test-venv.sh --clients [FOLDER]
#     for the tests with parallel-ssh and its two libraries, and with AsyncSSH, which is newer than Debian's
#   scripts/make-test-venv.sh --ml-kem [FOLDER]
#     for the tests of mlkem768x25519-sha256: kyber-py as its sources, which contain NIST's test vectors (ACVP); not an
#     environment, but a folder whose src is for PYTHONPATH
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ ${1:-} == --ansible ]]; then
  folder=${2:-$PWD/.build/ansible-venv}
  packages=(ansible-core==2.19.4)
  loki=
elif [[ ${1:-} == --ml-kem ]]; then
  folder=${2:-$PWD/.build/ml-kem}
  packages=()
  loki=
  sources=kyber-py==1.2.0
elif [[ ${1:-} == --schema ]]; then
  folder=${2:-$PWD/.build/schema-venv}
  packages=(
    jsonschema==4.26.0 jsonschema-specifications==2025.9.1 referencing==0.37.0 rpds-py==2026.9.1 attrs==26.1.0
    typing_extensions==4.16.0 PyYAML==6.0.3
  )
  loki=
elif [[ ${1:-} == --clients ]]; then
  folder=${2:-$PWD/.build/clients-venv}
  packages=(
    parallel-ssh==2.16.0.post1 ssh2-python==1.2.0.post1 ssh-python==1.2.0.post1
    gevent==26.9.0 greenlet==3.5.6 zope.event==6.2 zope.interface==8.7
    asyncssh==2.24.0 cryptography==50.0.2 cffi==2.1.1 pycparser==3.12 typing_extensions==4.16.0
  )
  loki=
else
  folder=${1:-$PWD/.build/test-venv}
  packages=(
    grpcio==1.76.0 opentelemetry-proto==1.38.0 googleapis-common-protos==1.72.0
    logstash-pipeline-parser==0.0.3 pyparsing==3.3.3
  )
  # Loki's Go code as a shared library that is called through ctypes: any Python can do so, although the wheel is tagged
  # for CPython 3.13.
  loki=logql-to-logsql==0.2.0
fi

# Adds a Linux wheel that was built for CPython 3.13 to the packages of any Python.
add_wheel() {
  local wheels=$folder/wheels
  "$folder/bin/pip" download --quiet --no-cache-dir --disable-pip-version-check --dest "$wheels" --no-deps \
    --only-binary :all: --implementation cp --python-version 313 --abi cp313 \
    --platform "manylinux_2_17_$(uname -m)" "$1"
  "$folder/bin/python" -m zipfile -e "$wheels"/*.whl \
    "$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
  rm -r "$wheels"
}

# Unpacks the sources of a package into the folder.
add_sources() {
  mkdir "$folder"
  python3 -m pip download --quiet --no-cache-dir --disable-pip-version-check --dest "$folder" --no-deps \
    --no-binary :all: "$1"
  tar -xzf "$folder"/*.tar.gz -C "$folder" --strip-components 1
  rm "$folder"/*.tar.gz
}

# Two tests may need it at the same time.
mkdir -p "${folder%/*}"
exec 9>"$folder.lock"
flock 9
if [[ $(cat "$folder/packages" 2>/dev/null) != "${packages[*]} $loki${sources:-}" ]]; then
  rm -rf "$folder"
  if [[ ${sources:-} ]]; then
    add_sources "$sources"
  else
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check "${packages[@]}"
  fi
  if [[ $loki ]]; then add_wheel "$loki"; fi
  printf '%s\n' "${packages[*]} $loki${sources:-}" >"$folder/packages"
fi
printf '%s\n' "$folder"
