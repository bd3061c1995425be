
case $target in
    file://*) path=${target#file://} ;;
    file:*) path=${target#file:} ;;
    *://*) fail 'this is a backup of a SQLite database: name a file' ;;
    *) path=$target ;;
esac
path=${path%%\?*}
[ -n "$path" ] || fail 'name a file'
[ ! -d "$path" ] || fail "$path is a folder"

for file in "$path" "$path-wal" "$path-journal"; do
    [ ! -s "$file" ] || fail "$file exists and is not empty; name a new file"
done

partial=$path.restoring-$$
trap 'rm -f -- "$partial"' EXIT
trap 'exit 1' HUP INT TERM
cp -- "$here/database.sqlite" "$partial"
cmp -- "$here/database.sqlite" "$partial"
mv -- "$partial" "$path"
printf 'restored into %s\n' "$path"
