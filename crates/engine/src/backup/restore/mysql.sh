
# The client of the server's flavour: MYSQLBIN=/usr/local/mysql/bin sh restore.sh …
client=${MYSQLBIN:+$MYSQLBIN/}@CLIENT@
command -v "$client" >/dev/null 2>&1 || client=${MYSQLBIN:+$MYSQLBIN/}mysql
command -v "$client" >/dev/null 2>&1 || fail "$client was not found; set MYSQLBIN to its folder"

# A percent-encoded part of the URL, as it stands in an option file.
decode() {
    printf '%s' "$1" | LC_ALL=C awk '
        BEGIN { hex = "0123456789ABCDEF" }
        {
            while (match($0, /%[0-9A-Fa-f][0-9A-Fa-f]/)) {
                code = toupper(substr($0, RSTART + 1, 2))
                byte = 16 * (index(hex, substr(code, 1, 1)) - 1) + index(hex, substr(code, 2, 1)) - 1
                printf "%s%c", substr($0, 1, RSTART - 1), byte
                $0 = substr($0, RSTART + 3)
            }
            printf "%s", $0
        }' | sed 's/[\\"]/\\&/g'
}

case $target in
    mysql://* | mysql2://* | mariadb://*) rest=${target#*://} ;;
    *) fail 'this is a backup of a @FLAVOUR@ database: name it as mysql://user:password@host:3306/database' ;;
esac
query=
case $rest in
    *\?*) query=${rest#*\?} rest=${rest%%\?*} ;;
esac
user= password=
case $rest in
    *@*)
        login=${rest%@*} rest=${rest##*@} user=${login%%:*}
        case $login in
            *:*) password=${login#*:} ;;
        esac
        ;;
esac
database=$(decode "${rest#*/}")
[ "$rest" != "${rest#*/}" ] && [ -n "$database" ] || fail 'the URL names no database'
host=${rest%%/*} port=3306
case $host in
    \[*\]:*) port=${host##*:} host=${host%:*} ;;
    \[*\]) ;;
    *:*) port=${host##*:} host=${host%:*} ;;
esac
host=${host#\[} host=${host%\]}

# Nothing of it is on a command line, where everybody on the machine could read it.
private=${TMPDIR:-/tmp}/restore-$$
mkdir -- "$private" || fail "cannot make $private; set TMPDIR to a folder that can be written"
trap 'rm -rf -- "$private"' EXIT
trap 'exit 1' HUP INT TERM
options=$private/options.cnf
{
    printf '[client]\nuser="%s"\n' "$(decode "$user")"
    [ -z "$password" ] || printf 'password="%s"\n' "$(decode "$password")"
    socket=
    while [ -n "$query" ]; do
        pair=${query%%&*}
        case $query in
            *\&*) query=${query#*&} ;;
            *) query= ;;
        esac
        value=$(decode "${pair#*=}")
        case ${pair%%=*} in
            socketPath | socket | unix_socket) socket=$value ;;
            ssl-ca) printf 'ssl-ca="%s"\n' "$value" ;;
            ssl-mode | ssl_mode | sslmode)
                case @FLAVOUR@-$value in
                    MySQL-*) printf 'ssl-mode="%s"\n' "$value" ;;
                    *-[Dd][Ii][Ss]*) printf 'skip-ssl\n' ;;
                    *-[Vv][Ee][Rr]*) printf 'ssl-verify-server-cert\n' ;;
                    *) printf 'ssl\n' ;;
                esac
                ;;
        esac
    done
    if [ -n "$socket" ]; then
        printf 'protocol=socket\nsocket="%s"\n' "$socket"
    else
        printf 'protocol=tcp\nhost="%s"\nport="%s"\n' "$(decode "$host")" "$port"
    fi
    printf '[mysql]\ndatabase="%s"\n' "$database"
} >"$options"

run() {
    MYSQL_TEST_LOGIN_FILE=/nonexistent "$client" --defaults-file="$options" --batch --binary-mode \
        --skip-column-names --default-character-set=utf8mb4 --max-allowed-packet=1G
}

version=$(printf 'select version();\n' | run) ||
    fail 'the target does not answer, or has no such database; nothing was restored. Make one: create database NAME@MADE_WITH@'
case @FLAVOUR@-$version in
    MariaDB-*MariaDB*) ;;
    MySQL-*MariaDB* | MariaDB-*) fail "this is a backup of @FLAVOUR@, and the target is $version; nothing was restored" ;;
esac

filled=$(run <<'SQL'
@COUNT_OBJECTS@;
SQL
) || fail 'the target does not answer; nothing was restored'
[ "$filled" = 0 ] || fail 'the target is not empty; make a new database: create database NAME@MADE_WITH@'

# Programs run in the name of accounts, and fail when called as long as those are missing. Who may not read the
# list of accounts cannot know.
missing=$(run 2>/dev/null <<'SQL'
select definer from (select null as definer union select @DEFINERS@) as wanted
    where definer is not null and not exists
    (select 1 from mysql.user where convert(concat(user, '@', host) using utf8mb4) = definer);
SQL
) || missing=
[ -z "$missing" ] || printf 'restore.sh: programs of the database run as accounts that the target does not have:\n%s\n' "$missing" >&2

printf 'alter database@MADE_WITH@;\n' | run || fail 'the target refuses its settings; nothing was restored'
run <"$here/database.sql" || fail 'the restore failed; see the message above'
printf 'restored @N_TABLES@ tables\n'
