#!/usr/bin/env bash
# The S3 clients that the tests drive: a Python environment with pinned versions under
# build/venv, remade whenever the pins change; s3cmd and rclone are Debian's.

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

show_clients() {
  "$root/build/venv/bin/aws" --version
  "$root/build/venv/bin/python" -c 'import boto3; print("boto3", boto3.__version__)'
  s3cmd --version
  rclone version | head -n 1
}
