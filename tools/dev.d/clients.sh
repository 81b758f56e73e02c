#!/usr/bin/env bash
# The S3 clients that the tests drive: a Python environment with pinned versions under
# build/venv, remade whenever the pins change; s3cmd, rclone, restic and aws are Debian's. By
# `tools/dev clients` also those that take minutes: mc and AWS's SDKs, in build/clients, each where
# its toolchain is installed, at versions pinned here and in tests/clients/sdks/.

make_clients() {
  local pins="$root/tests/clients/requirements.txt" venv="$root/build/venv"
  cmp -s "$pins" "$venv/installed.txt" && return
  echo "Installing the pinned clients into build/venv"
  mkdir -p "$root/build/logs"
  rm -rf "$venv"
  local log="$root/build/logs/clients.log"
  if ! { /usr/bin/python3 -m venv "$venv" &&
    "$venv/bin/python" -m pip install --disable-pip-version-check -r "$pins"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    return 1
  fi
  cp "$pins" "$venv/installed.txt"
}

mc_version=v0.0.0-20250313080218-cf909e1063a9

# have TOOL: says what the tests do without where it is missing.
have() {
  command -v "$1" >/dev/null || { echo "tools/dev clients: no $1; its clients are skipped" >&2 && false; }
}

# sdk NAME COMMAND...: runs it in a copy of the SDK's program; a failure leaves the others alone.
sdk() {
  local at="$root/build/clients/$1" log="$root/build/logs/client-$1.log"
  shift
  mkdir -p "$at"
  cp -R "$root/tests/clients/sdks/$(basename "$at")/." "$at/"
  echo "Building build/clients/$(basename "$at")"
  (cd "$at" && "$@") >"$log" 2>&1 || { tail -n 20 "$log" >&2 && unbuilt=yes; }
}

make_slow_clients() {
  local bin="$root/build/clients/bin" unbuilt=""
  mkdir -p "$bin" "$root/build/logs"
  if have go; then
    [ -x "$bin/mc" ] || GOBIN="$bin" go install "github.com/minio/mc@$mc_version" || unbuilt=yes
    sdk go go build -o "$bin/sdk-go" .
  fi
  ! have npm || sdk javascript npm ci --no-audit --no-fund
  ! have mvn || sdk java mvn -q -B package
  ! have cargo || sdk rust cargo build --locked --quiet
  show_clients
  [ -z "$unbuilt" ] || { echo "tools/dev clients: not all of them could be built" >&2 && false; }
}

# say COMMAND...: the first line of what a program says of itself. All of it is read: one that writes
# on into a closed pipe dies of that.
say() {
  local said
  said=$("$@" 2>/dev/null) || said="not there: $1"
  echo "${said%%$'\n'*}"
}

# pin NAME FILE PATTERN: the version that a program of clients/sdks/ is built with.
pin() {
  echo "AWS SDK for $1 $(sed -nE "s|.*$3.*|\\1|p" "$root/tests/clients/sdks/$2" | head -n 1)"
}

show_clients() {
  local venv="$root/build/venv/bin" made="$root/build/clients"
  say "$venv/aws" --version
  say /usr/bin/aws --version
  say "$venv/python" -c 'import boto3; print("boto3", boto3.__version__)'
  say s3cmd --version
  say rclone version
  say restic version
  say chromium --version
  [ ! -x "$made/bin/mc" ] || echo "mc $mc_version"
  [ ! -x "$made/bin/sdk-go" ] || pin "Go 2, s3" go/go.mod 'service/s3 v([0-9.]+)'
  [ ! -d "$made/javascript/node_modules" ] ||
    pin "JavaScript 3" javascript/package.json '"@aws-sdk/client-s3": "([0-9.]+)"'
  [ ! -f "$made/java/target/workflow.jar" ] ||
    pin "Java 2" java/pom.xml '<sdk.version>([0-9.]+)</sdk.version>'
  [ ! -x "$made/rust/target/debug/sdk-rust" ] ||
    pin "Rust, aws-sdk-s3" rust/Cargo.toml '^aws-sdk-s3 = "=([0-9.]+)"'
}
