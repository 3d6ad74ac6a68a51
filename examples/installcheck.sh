#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the examples against an installed Qvisio and checks them with its qvisio-module. Run by make installcheck:
#   installcheck.sh SOURCE-FOLDER BINDIR LIBDIR PKGCONFIGDIR
set -eu
source_folder=$1 bindir=$2 libdir=$3 pkgconfigdir=$4
# In case the folder of the library is not among those that the system's linker searches.
LD_LIBRARY_PATH=$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
PKG_CONFIG_PATH=$pkgconfigdir${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
PATH=$bindir:$PATH
export LD_LIBRARY_PATH PKG_CONFIG_PATH PATH
unset QVISIO_MODULE_PATH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/keys"

echo '== the installed modules'
qvisio-module list | tee "$work/list"
if grep -q 'cannot be used' "$work/list"; then
	echo 'installcheck: an installed module cannot be loaded' >&2
	exit 1
fi

# Copies an example, builds it, sees it listed, and checks it with the options given.
try() {
	example=$1
	shift
	echo "== $example"
	cp -R "$source_folder/examples/$example" "$work/$example"
	chmod -R u+w "$work/$example"
	make -C "$work/$example" CFLAGS='-O2 -Wall -Wextra -Werror' all
	QVISIO_MODULE_PATH="$work/$example" qvisio-module list | grep "^${example%%-*} *${example#*-} "
	qvisio-module check "$@" "$work/$example/$example.so" | tee "$work/outcome"
	if ! grep -q '^ok ' "$work/outcome" || grep -q '^not ok' "$work/outcome"; then
		echo "installcheck: $example does not pass" >&2
		exit 1
	fi
}

printf 'folder = "%s"; sae_id = "alice";\n' "$work/keys" >"$work/alice.conf"
printf 'folder = "%s"; sae_id = "bob";\n' "$work/keys" >"$work/bob.conf"
try keysource-folder --config "$work/alice.conf" --peer bob --peer-config "$work/bob.conf"
try videosource-stripes
echo '== examples pass'
