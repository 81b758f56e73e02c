#!/usr/bin/env bash
# Measuring: the comparison with other servers, the micro-benchmarks, and the peers that have no
# Debian package. bench/README.md says how to read what comes out.

# Built with go, once, from the registry that go is set up for; nothing of them is in the tree.
install_peers() {
  if ! command -v go >/dev/null; then
    echo "tools/dev bench peers: no go; the comparison does without these peers" >&2
    return 1
  fi
  mkdir -p "$root/build/peers"
  GOBIN="$root/build/peers" go install github.com/versity/versitygw/cmd/versitygw@latest
  GOBIN="$root/build/peers" go install github.com/minio/minio@latest
}

bench() {
  local verb=${1:-help}
  [ $# -eq 0 ] || shift
  case "$verb" in
    compare)
      install_packages build test bench
      make_clients
      build_kind release
      "$root/build/venv/bin/python" "$root/bench/compare.py" "$@"
      ;;
    check)
      install_packages build test bench
      make_clients
      build_kind release
      "$root/build/venv/bin/python" "$root/bench/compare.py" --check "$@"
      ;;
    scale)
      install_packages build test
      make_clients
      build_kind release
      "$root/build/venv/bin/python" "$root/bench/scale.py" "$@"
      ;;
    micro)
      install_packages build
      build_kind release
      "$root/build/release/bench/micro-bench" "$@"
      ;;
    peers) install_peers ;;
    *)
      echo "tools/dev bench compare [--quick] | check | scale [--help] | micro [--benchmark_filter=NAME] | peers" >&2
      return 2
      ;;
  esac
}
