#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The kernels of AArch64, built by a cross compiler and run by qemu.
compiler=aarch64-linux-gnu-gcc
emulator=qemu-aarch64
for program in $compiler $emulator; do
	if ! command -v "$program" >/dev/null; then
		echo "1..0 # SKIP $program is not there"
		exit 0
	fi
done
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
core=$QV_SOURCE/core/shamir
unit=$QV_SOURCE/tests/unit/shamir
$compiler -static -std=c17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -I"$QV_SOURCE" -I"$QV_SOURCE/include" \
	-o "$folder/kernels" "$unit/kernels_agree.c" "$unit/slow.c" "$core/field.c" "$core/kernels.c" "$core/neon.c" \
	"$core/portable.c" -lpthread || { echo 'Bail out! it does not build'; exit 1; }
$emulator "$folder/kernels" >"$folder/out"
cat "$folder/out"
grep -q '^ok 1 - NEON' "$folder/out"
