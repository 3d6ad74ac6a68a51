# SPDX-License-Identifier: Apache-2.0
if WITH_CMOCKA
conference_tests = \
	tests/conference/test_devices \
	tests/conference/test_tiles
check_PROGRAMS += $(conference_tests)
TESTS += $(conference_tests)

tests_conference_test_devices_SOURCES = %D%/test_devices.c $(call_parts)
tests_conference_test_devices_CFLAGS = $(CFLAGS_UNIT)
tests_conference_test_devices_LDADD = $(LDADD_UNIT)

# These are not part of the library's interface, so the test has its own copy.
tests_conference_test_tiles_SOURCES = \
	%D%/test_tiles.c \
	core/conference/grid.c \
	core/conference/lettering.c \
	core/conference/limiter.c \
	core/conference/mixer.c \
	core/picture_scale.c \
	core/conference/tile.c
tests_conference_test_tiles_CFLAGS = $(CFLAGS_UNIT)
tests_conference_test_tiles_LDADD = $(LDADD_UNIT) -lm
endif
