#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.sh FILE…: prints the files as the C table that www.h declares.
set -eu
LC_ALL=C
export LC_ALL

media_type() {
	case $1 in
	*.html) echo 'text/html; charset=utf-8' ;;
	*.css) echo 'text/css; charset=utf-8' ;;
	*.js) echo 'text/javascript; charset=utf-8' ;;
	*.svg) echo 'image/svg+xml' ;;
	*)
		echo "embed.sh: $1: no media type is known for it" >&2
		exit 1
		;;
	esac
}

echo '/* Made by embed.sh. */'
echo '#include "tools/kme/admin/www.h"'
number=0
for file in "$@"; do
	echo "static const unsigned char file_${number}[] = {"
	od -A n -v -t x1 "$file" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
	echo '};'
	number=$((number + 1))
done
echo 'const struct www_file www_files[] = {'
number=0
for file in "$@"; do
	name=/${file##*/}
	type=$(media_type "$name")
	[ "$name" = /index.html ] && name=/
	[ "$name" = /login.html ] && name=/login
	echo "	{ \"$name\", \"$type\", file_$number, sizeof file_$number },"
	number=$((number + 1))
done
echo '	{ NULL, NULL, NULL, 0 },'
echo '};'
