#!/bin/sh
# Restores this backup into an empty database, without raingauge:
#
#   sh restore.sh TARGET_URL
#
# It checks the hash of every file, refuses a target that holds anything, and stops at the first
# error. docs/backup-format.md of raingauge says what else is in this folder.
set -eu
umask 077

fail() {
    printf 'restore.sh: %s\n' "$1" >&2
    exit 1
}

# A URL in the environment is on no command line.
target=${1:-${RESTORE_TARGET:-}}
[ $# -le 1 ] && [ -n "$target" ] || fail 'usage: sh restore.sh TARGET_URL'
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

if command -v sha256sum >/dev/null 2>&1; then
    sums='sha256sum'
elif command -v shasum >/dev/null 2>&1; then
    sums='shasum -a 256'
else
    fail 'neither sha256sum nor shasum was found'
fi
# Written anew and compared: `-c` passes over lines that are no hashes, and knows nothing of files that are not listed.
as_they_are() {
    find -L . -type f ! -path ./SHA256SUMS -exec $sums {} + | sed 's|^\([0-9a-f]*  \)\./|\1|' | LC_ALL=C sort -k 2
}
(cd -- "$here" && as_they_are | cmp -s - SHA256SUMS) || {
    (cd -- "$here" && $sums -c SHA256SUMS 2>&1 | grep -v ': OK$' >&2) || :
    fail 'the backup is damaged: its files are not those that SHA256SUMS lists; nothing was restored'
}
