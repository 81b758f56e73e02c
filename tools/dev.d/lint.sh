#!/usr/bin/env bash
# Formatting and static checks. clang-tidy is slow, so it looks at changed files unless told
# --all; the house checks and the format check always see the whole tree.

# All C++ sources of the project, from the root, NUL-terminated.
cpp_sources() {
  (cd "$root" && { find engine http s3 health tools bench tests -type f \
    \( -name '*.cpp' -o -name '*.h' \) -print0 2>/dev/null || true; } | sort -z)
}

format_sources() {
  cpp_sources | (cd "$root" && xargs -0 -r clang-format-19 -i)
}

# Sources that differ from the last commit, are new, or were changed on this branch since main.
changed_sources() {
  cd "$root"
  {
    git diff --name-only --diff-filter=d HEAD
    git ls-files --others --exclude-standard
    git diff --name-only --diff-filter=d "$(git merge-base HEAD origin/main 2>/dev/null || echo HEAD)"
  } 2>/dev/null | grep -E '\.cpp$' | sort -u
}

tidy_sources() {
  if [ "${1:-}" = --all ]; then
    cpp_sources | tr '\0' '\n' | grep -E '\.cpp$'
  else
    changed_sources || true
  fi
}

lint() {
  local failed=0 files
  cpp_sources | (cd "$root" && xargs -0 -r clang-format-19 --dry-run --Werror) || failed=1
  build_kind debug >/dev/null || failed=1
  local check
  for check in layers style operations errors headers; do
    python3 "$root/tools/check_$check.py" || failed=1
  done
  mapfile -t files < <(tidy_sources "$@")
  if [ ${#files[@]} -gt 0 ]; then
    (cd "$root" && printf '%s\0' "${files[@]}" |
      xargs -0 -n 1 -P "$(nproc)" clang-tidy-19 --quiet -p build/debug) || failed=1
  fi
  return "$failed"
}
