#!/usr/bin/env bash
# What must be installed for which verb, in one table, and its installation. Nothing is asked
# of apt where dpkg already knows every package, so a second run costs milliseconds.

# Group, then the package; a name that differs between releases is written 12=NAME,13=NAME.
package_table() {
  cat <<'TABLE'
build  clang-19
build  lld-19
build  llvm-19
build  meson
build  ninja-build
build  pkgconf
build  python3
build  liburing-dev
build  12=node-llhttp,13=libllhttp-dev
build  libfmt-dev
build  libssl-dev
build  libpugixml-dev
build  libxxhash-dev
build  libmimalloc-dev
build  libcli11-dev
build  libtomlplusplus-dev
build  nlohmann-json3-dev
build  libcpp-httplib-dev
build  libbenchmark-dev
build  doctest-dev
test   libclang-rt-19-dev
test   python3-venv
test   ca-certificates
test   s3cmd
test   rclone
test   restic
test   awscli
test   e2fsprogs
test   xfsprogs
test   fuse3
test   haproxy
test   chromium
test   libfuse3-dev
test   iproute2
test   nftables
test   glusterfs-server
test   glusterfs-client
lint   clang-format-19
lint   clang-tidy-19
bench  nginx-light
fresh  debootstrap
TABLE
}

debian_release() {
  local id="" version=""
  if [ -r /etc/os-release ]; then
    id=$(. /etc/os-release && echo "${ID:-}")
    version=$(. /etc/os-release && echo "${VERSION_ID:-}")
  fi
  case "$id$version" in
    debian12 | debian13) echo "$version" ;;
    *) echo "none" ;;
  esac
}

# The packages of the given groups under their names in this release, one a line.
packages_of() {
  local release=$1 group name
  shift
  package_table | while read -r group name; do
    case " $* " in *" $group "*) ;; *) continue ;; esac
    case "$name" in
      *=*) tr ',' '\n' <<<"$name" | sed -n "s/^$release=//p" ;;
      *) echo "$name" ;;
    esac
  done
}

# Those of the names on standard input that are not installed.
missing_packages() {
  local names installed
  mapfile -t names
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${names[@]}" 2>/dev/null |
    sed -n 's/^installed //p') || true  # dpkg-query fails where it knows no such package
  printf '%s\n' "${names[@]}" | grep -vxF -e "$installed" || true
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    printf 'tools/dev: needs root; without sudo run this as root:\n  %s\n' "$*" >&2
    return 1
  fi
}

# install_packages GROUP...: as if it were a no-op where everything is there.
install_packages() {
  local release missing
  release=$(debian_release)
  if [ "$release" = none ]; then
    echo "tools/dev: not Debian 12 or 13; packages are yours to install" >&2
    return 0
  fi
  mapfile -t missing < <(packages_of "$release" "$@" | missing_packages)
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "Installing: ${missing[*]}"
  mkdir -p "$root/build/logs"
  local log="$root/build/logs/packages.log"
  if ! { as_root apt-get -q update &&
    as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get -q install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    return 1
  fi
}
