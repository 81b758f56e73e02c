#!/usr/bin/env bash
# The README's two commands, `tools/dev test` and `tools/dev run`, in a Debian that has never
# seen the project: debootstrap into build/fresh-N, a clean export of HEAD, chroot.
# Every mount is made in a mount namespace of its own, so none outlives the script.

# Mirrors come from this machine's own apt configuration, so that none is named here.
apt_mirror() {
  local wanted=$1
  apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
    awk -v wanted="$wanted" '
      { security = ($2 ~ /-security$/) ? "security" : "main" }
      $2 ~ /^(bookworm|trixie)(-security)?$/ && security == wanted { print $1; exit }'
}

bootstrap() {
  local suite=$1 base=$2
  echo "Bootstrapping $suite into $(basename "$base")"
  rm -rf "$base" "$base.log"
  if ! debootstrap --variant=minbase --include=ca-certificates \
    "$suite" "$base.new" "$(apt_mirror main)" >"$base.log" 2>&1; then
    tail -n 20 "$base.log" >&2
    return 1
  fi
  mv "$base.new" "$base"
}

# The way to the package registries as this machine has it: apt's and pip's settings,
# certificates, name resolution.
copy_access() {
  local suite=$1 target=$2 home=/root file
  {
    echo "deb $(apt_mirror main) $suite main"
    echo "deb $(apt_mirror main) $suite-updates main"
    [ -z "$(apt_mirror security)" ] || echo "deb $(apt_mirror security) $suite-security main"
  } >"$target/etc/apt/sources.list"
  for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
    ! grep -qsE '^ *Acquire' "$file" || cp "$file" "$target/etc/apt/apt.conf.d/"
  done
  for file in /etc/apt/auth.conf /etc/apt/auth.conf.d/* /etc/pip.conf /etc/resolv.conf \
    /usr/local/share/ca-certificates/*.crt; do
    [ ! -f "$file" ] || install -D -m 644 "$file" "$target$file"
  done
  for file in .pip/pip.conf .config/pip/pip.conf; do
    [ ! -f "$HOME/$file" ] || install -D -m 644 "$HOME/$file" "$target$home/$file"
  done
}

export_head() {
  local target=$1
  mkdir -p "$target/src/millrace"
  git -C "$root" -c "safe.directory=$root" archive HEAD | tar -x -C "$target/src/millrace"
}

# Sets `enter`: what to put before a command so that it runs in the chroot, with an environment
# of its own but for the way to the registries.
set_enter() {
  local target=$1 name
  enter=(env -i HOME=/root LANG=C.UTF-8
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
  for name in CI TERM http_proxy https_proxy no_proxy PIP_INDEX_URL PIP_EXTRA_INDEX_URL \
    PIP_CERT PIP_TRUSTED_HOST; do
    [ -z "${!name:-}" ] || enter+=("$name=${!name}")
  done
  enter+=(chroot "$target")
}

mount_kernel_views() {
  mount -t proc proc "$1/proc"
  mount --rbind /sys "$1/sys"
  mount --rbind /dev "$1/dev"
  mount -t tmpfs tmpfs "$1/run"
}

# Starts tools/dev run, waits for its example, executes that example as printed, stops it.
try_run() {
  local log="$1.run.log" pid code=0 tries=0
  "${enter[@]}" /src/millrace/tools/dev run >"$log" 2>&1 &
  pid=$!
  until grep -q '^Ctrl-C stops' "$log" || [ $((tries += 1)) -gt 600 ]; do
    kill -0 "$pid" 2>/dev/null || break
    sleep 1
  done
  grep -E '^  (export|echo|aws) ' "$log" | "${enter[@]}" env \
    PATH=/src/millrace/build/venv/bin:/usr/bin:/bin bash -euo pipefail || code=1
  kill -TERM "$pid" 2>/dev/null || code=1
  wait "$pid" || code=1
  if [ "$code" -ne 0 ]; then
    grep -vi secret "$log" | tail -n 30 >&2
    echo "fresh: tools/dev run failed" >&2
  fi
  return "$code"
}

fresh_inside_namespace() {
  local suite=$1 target=$2
  mount_kernel_views "$target"
  set_enter "$target"
  "${enter[@]}" update-ca-certificates >/dev/null
  "${enter[@]}" /src/millrace/tools/dev test
  try_run "$target"
  echo "fresh: tools/dev test and tools/dev run pass on $suite"
}

fresh() {
  local suite base target
  case "${1:-}" in
    12) suite=bookworm ;;
    13) suite=trixie ;;
    *) echo "tools/dev fresh: 12 or 13" >&2 && return 2 ;;
  esac
  install_packages fresh
  if [ "${FRESH_NAMESPACE:-}" != entered ]; then
    exec $([ "$(id -u)" -eq 0 ] || echo sudo --preserve-env=CI,TERM,HOME) \
      env FRESH_NAMESPACE=entered unshare --mount --propagation private "$root/tools/dev" fresh "$@"
  fi
  base="$root/build/fresh-$1-base" target="$root/build/fresh-$1"
  mkdir -p "$root/build"
  [ -d "$base" ] && [ "${2:-}" != --renew ] || bootstrap "$suite" "$base"
  rm -rf "$target"
  cp -a "$base" "$target"
  copy_access "$suite" "$target"
  export_head "$target"
  fresh_inside_namespace "$suite" "$target"
}
