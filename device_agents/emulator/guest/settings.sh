#!/bin/sh
# settings get|put|delete|list system|secure|global [KEY [VALUE]]
verb=$1 namespace=$2 key=$3 value=$4
case $namespace in
system | secure | global) ;;
*)
    echo "Invalid namespace '$namespace'" >&2
    exit 255
    ;;
esac
stored=/data/misc/board/settings.$namespace
others() {
    awk -v start="$key=" 'index($0, start) != 1' "$stored"
}
replace() {
    others >"$stored.new"
    [ "$1" = put ] && printf '%s=%s\n' "$key" "$value" >>"$stored.new"
    mv "$stored.new" "$stored"
}
case $verb in
get)
    found=$(awk -v start="$key=" 'index($0, start) == 1 { print substr($0, length(start) + 1) }' "$stored")
    echo "${found:-null}"
    ;;
put) replace put ;;
delete)
    before=$(wc -l <"$stored")
    replace delete
    echo "Deleted $((before - $(wc -l <"$stored"))) rows"
    ;;
list) sort "$stored" ;;
*)
    echo "Invalid command: $verb" >&2
    exit 255
    ;;
esac
