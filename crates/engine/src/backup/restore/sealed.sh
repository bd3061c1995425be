
for program in age tar; do
    command -v "$program" >/dev/null 2>&1 || fail "$program was not found; install it, the backup is encrypted"
done
[ -n "${AGE_IDENTITY:-}" ] ||
    fail 'the backup is encrypted; name the file with the secret key: AGE_IDENTITY=FILE sh restore.sh TARGET_URL'

plain=${TMPDIR:-/tmp}/restore-$$
mkdir -- "$plain" || fail "cannot make $plain; set TMPDIR to a folder with room for the decrypted backup"
trap 'rm -rf -- "$plain"' EXIT
trap 'exit 1' HUP INT TERM
# Not through a pipe: a failure of its first part would go unnoticed.
age --decrypt --identity "$AGE_IDENTITY" --output "$plain/backup.tar" "$here/@ARCHIVE@" ||
    fail 'the backup could not be decrypted; nothing was restored'
mkdir -- "$plain/backup"
tar -x -f "$plain/backup.tar" -C "$plain/backup" ||
    fail 'the decrypted archive could not be unpacked; nothing was restored'
rm -f -- "$plain/backup.tar"
RESTORE_TARGET=$target sh "$plain/backup/restore.sh"
