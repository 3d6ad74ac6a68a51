#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes configure from configure.ac. Needed once in a git checkout; a release tarball already has configure.
# With --configure-only, as the Makefile calls it when configure.ac has changed: configure alone, by autoconf.
set -eu
cd "$(dirname "$0")"
if [ "${1-}" = --configure-only ]; then
	autoconf --force
else
	mkdir -p m4 build-aux
	autoreconf --force --install --warnings=all,no-obsolete
fi

# Our sources live in a folder named "core", which autoconf takes for a dumped core file: without this, configure would
# remove it, or stumble over it.
sed -e 's/rm -f core \*\.core core\.conftest\.\*/rm -f *.core core.conftest.*/g' \
    -e 's/rm -f core conftest/rm -f conftest/g' \
    -e 's/rm -f -r core /rm -f -r /g' \
    -e 's/rm -rf core /rm -rf /g' configure >configure.tmp
if grep -nE 'rm -[rf ]+ core( |$)' configure.tmp >&2; then
	echo 'autogen.sh: configure still removes files named "core" on the lines above; mend the rewrite' >&2
	rm -f configure.tmp
	exit 1
fi
cat configure.tmp >configure
rm -f configure.tmp
chmod +x configure
