#!/bin/sh
# getprop [NAME [DEFAULT]]: all properties in brackets, or one value.
properties=/system/etc/board/getprop.txt
[ $# -eq 0 ] && exec sort "$properties"
value=$(awk -v start="[$1]: [" 'index($0, start) == 1 { print substr($0, length(start) + 1, length($0) - length(start) - 1) }' "$properties")
echo "${value:-$2}"
