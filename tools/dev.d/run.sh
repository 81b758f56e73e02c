#!/usr/bin/env bash
# tools/dev run: the server in the foreground on DIR/data, with an example to copy once it
# has printed `ready`. Signals to this script go to the server, and its exit code comes back.

# The value of `--NAME VALUE` or `--NAME=VALUE` among the arguments; nothing where absent.
argument() {
  local name=$1
  shift
  while [ $# -gt 0 ]; do
    case "$1" in
      "--$name") echo "${2:-}" && return ;;
      "--$name="*) echo "${1#*=}" && return ;;
    esac
    shift
  done
}

# Where a client on this machine reaches `--listen ADDRESS:PORT`.
endpoint_of() {
  local listen=${1:-127.0.0.1:9000}
  listen=${listen%%,*}
  local host=${listen%:*} port=${listen##*:}
  [ "$host" != "$listen" ] || host=""
  case "$host" in
    "" | 0.0.0.0 | "*") host=127.0.0.1 ;;
    "[::]") host="[::1]" ;;
  esac
  echo "http://$host:$port"
}

credential() {
  sed -n "s/^$1 = \"\(.*\)\"\$/\1/p" "$2"
}

print_example() {
  local endpoint=$1 file="$2/.millrace/credentials" access secret
  access=${MILLRACE_ACCESS_KEY:-} secret=${MILLRACE_SECRET_KEY:-}
  if [ -z "$access" ] && [ -r "$file" ]; then
    access=$(credential access_key "$file")
    secret=$(credential secret_key "$file")
  fi
  cat <<EXAMPLE

Try it, in another terminal (aws is also at build/venv/bin/aws after tools/dev clients):

  export AWS_ACCESS_KEY_ID=$(printf %q "$access")
  export AWS_SECRET_ACCESS_KEY=$(printf %q "$secret")
  export AWS_DEFAULT_REGION=us-east-1
  echo hello > /tmp/hello.txt
  aws --endpoint-url $endpoint s3 mb s3://demo
  aws --endpoint-url $endpoint s3 cp /tmp/hello.txt s3://demo/hello.txt
  aws --endpoint-url $endpoint s3 ls s3://demo/
  aws --endpoint-url $endpoint s3 cp s3://demo/hello.txt -

Ctrl-C stops the server.

EXAMPLE
}

# Passes the server's lines on, and adds the example after the first `ready`. It outlives every
# signal to the process group, so that the server's last lines have a reader.
relay_output() {
  local line shown=""
  trap '' INT TERM HUP
  while IFS= read -r line; do
    printf '%s\n' "$line"
    [ -z "$shown" ] && [[ "$line" == ready* ]] || continue
    shown=yes
    print_example "$@"
  done
}

# Waits for the server through any number of forwarded signals; its exit code is ours.
wait_for_server() {
  local pid=$1 code=0 again
  while :; do
    signalled=""
    again=0
    wait "$pid" || again=$?
    [ "$again" -eq 127 ] || code=$again
    [ -n "$signalled" ] || return "$code"
  done
}

run_server() {
  install_packages build
  build_kind release
  [ "${1:-}" != "--" ] || shift
  local data endpoint pipe server relay code=0
  # The server's own order: flag, then environment, then default.
  data=$(argument data "$@")
  data=${data:-${MILLRACE_DATA:-}}
  if [ -z "$data" ]; then
    data="$root/data"
    set -- --data "$data" "$@"
  fi
  endpoint=$(argument listen "$@")
  endpoint=$(endpoint_of "${endpoint:-${MILLRACE_LISTEN:-}}")
  pipe=$(mktemp -u) && mkfifo -m 600 "$pipe"
  relay_output "$endpoint" "$data" <"$pipe" &
  relay=$!
  # A process group of its own: Ctrl-C reaches this script alone, which passes it on once.
  set -m
  "$root/build/release/millrace" serve "$@" >"$pipe" &
  server=$!
  set +m
  rm -f "$pipe"
  trap 'signalled=yes; kill -INT "$server" 2>/dev/null || true' INT
  trap 'signalled=yes; kill -TERM "$server" 2>/dev/null || true' TERM HUP
  wait_for_server "$server" || code=$?
  wait "$relay" || true
  return "$code"
}
