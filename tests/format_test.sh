#!/bin/sh
# Every C++ file is formatted with .clang-format.
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
files=$(git -c safe.directory="$root" ls-files '*.cc' '*.h') || files=$(find protocol storage resolver ops bench tests -name '*.cc' -o -name '*.h')
[ -n "$files" ] || { echo "format: no files"; exit 1; }
# shellcheck disable=SC2086
clang-format-19 --dry-run --Werror $files && echo "format: $(echo "$files" | wc -l) files, 0 problems"
