#!/usr/bin/env bash
# The long form of the cluster's tests over GlusterFS, for a bounded time; its own tests are
# tests/cluster/test_gluster.py.

soak() {
  install_packages build test
  make_clients
  build_kind release
  MILLRACE_BINARY="$root/build/release/millrace" \
    exec "$root/build/venv/bin/python" "$root/tests/cluster/soak.py" "$@"
}
