
# The programs of the server's version: PGBIN=/usr/lib/postgresql/15/bin sh restore.sh …
psql=${PGBIN:+$PGBIN/}psql
pg_restore=${PGBIN:+$PGBIN/}pg_restore
for program in "$psql" "$pg_restore"; do
    command -v "$program" >/dev/null 2>&1 || fail "$program was not found; set PGBIN to its folder"
done

# A password in the URL must not reach the command lines of other programs, where everybody can
# read them.
case $target in
    *://*:*@*)
        rest=${target#*://}
        login=${rest%%@*}
        PGPASSWORD=$(printf '%s' "${login#*:}" | LC_ALL=C awk '
            BEGIN { hex = "0123456789ABCDEF" }
            {
                while (match($0, /%[0-9A-Fa-f][0-9A-Fa-f]/)) {
                    code = toupper(substr($0, RSTART + 1, 2))
                    byte = 16 * (index(hex, substr(code, 1, 1)) - 1) + index(hex, substr(code, 2, 1)) - 1
                    printf "%s%c", substr($0, 1, RSTART - 1), byte
                    $0 = substr($0, RSTART + 3)
                }
                printf "%s", $0
            }')
        export PGPASSWORD
        target=${target%%://*}://${login%%:*}@${rest#*@}
        ;;
esac

ask() {
    "$psql" --no-psqlrc --quiet --tuples-only --no-align --no-password --set ON_ERROR_STOP=1 \
        --dbname "$target"
}

filled=$(ask <<'SQL'
@COUNT_OBJECTS@;
SQL
) || fail 'the target does not answer; nothing was restored'
[ "$filled" = 0 ] || fail 'the target is not empty; make a new database: createdb --template=template0 NAME'

missing=$(ask <<'SQL'
SELECT format('create role %I nologin;', role) FROM unnest(ARRAY[@ROLES@]::text[]) AS role
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role);
SQL
) || fail 'the target does not answer; nothing was restored'
[ -z "$missing" ] || fail "the target misses roles; nothing was restored. Run there first:
$missing"

"$pg_restore" --exit-on-error @HOW@ --no-password --dbname "$target" "$here/database.dump" ||
    fail 'the restore failed; see the message above'
printf 'restored @N_TABLES@ tables\n'
