#!/usr/bin/env bash
# One meson build directory for each kind under build/, always with warnings as errors.
# build/KIND/millrace is the server, whichever folder's meson.build declares it.

meson_options() {
  case "$1" in
    release) echo "--buildtype=release -Db_pch=false -Db_lto=true -Db_lto_mode=thin" \
                  "-Db_thinlto_cache=true" ;;
    debug) echo "--buildtype=debug -Db_pch=false" ;;
    asan) echo "--buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false" ;;
    fuzz) echo "$(meson_options asan) -Db_pch=false -Dcpp_args=-fsanitize=fuzzer-no-link" ;;
    tsan) echo "--buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false" ;;
    *)
      echo "tools/dev build: release, debug, asan or tsan, not \"$1\"" >&2
      return 2
      ;;
  esac
}

configure() {
  local kind=$1 directory=$2 options
  options=$(meson_options "$kind") || return
  if [ -f "$directory/build.ninja" ] && [ "$(cat "$directory/options" 2>/dev/null)" = "$options" ]
  then
    return
  fi
  rm -rf "$directory"  # made with other options, or what a failed setup left
  # meson looks for ccache and lld by itself only where no compiler is named.
  if command -v ccache >/dev/null; then
    local -x CC="ccache $CC" CXX="ccache $CXX"
  fi
  if command -v ld.lld-19 >/dev/null; then
    local -x CC_LD=lld-19 CXX_LD=lld-19
  fi
  # shellcheck disable=SC2086  # options are words
  meson setup --native-file "$root/tools/dev.d/clang-19.ini" -Dwerror=true $options \
    "$directory" "$root"
  echo "$options" >"$directory/options"
}

# What the suites of tests/run.py use of each kind; everything in a debug build.
targets() {
  case "$1" in
    release) echo "tools/millrace tests/explorer-tests tests/allocation-tests bench/micro-bench bench/disk-reference bench/ring-floor bench/millrace-bench" ;;
    asan) echo "tools/millrace tests/unit-tests tests/unit-tests-fake" ;;
    fuzz) echo "tests/fuzz" ;;
    tsan) echo "tests/tsan-tests" ;;
  esac
}

build_kind() {
  local kind=$1 directory="$root/build/$1"
  # ccache must know that a precompiled header is as good as what it was made of.
  local -x CCACHE_SLOPPINESS=pch_defines,time_macros
  configure "$kind" "$directory"
  # shellcheck disable=SC2046  # targets are words
  ninja -C "$directory" $(targets "$kind")
  ln -sfn tools/millrace "$directory/millrace"
}
