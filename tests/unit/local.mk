# SPDX-License-Identifier: Apache-2.0
if WITH_CMOCKA
unit_tests = \
	tests/unit/test_config \
	tests/unit/test_core \
	tests/unit/test_secret \
	tests/unit/test_module_path \
	tests/unit/test_number \
	tests/unit/test_pad \
	tests/unit/test_reservoir \
	tests/unit/test_psk_identity \
	tests/unit/test_secret_file \
	tests/unit/test_stamp \
	tests/unit/test_tally \
	tests/unit/test_tls_choice \
	tests/unit/test_tls_common \
	tests/unit/test_topology
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

# This is not part of the library's interface, so the test has its own copy.
tests_unit_test_module_path_SOURCES = %D%/test_module_path.c core/module_path.c
tests_unit_test_module_path_CPPFLAGS = $(AM_CPPFLAGS) -DQV_MODULEDIR='"/installed/modules"'
tests_unit_test_module_path_CFLAGS = $(CFLAGS_UNIT)
tests_unit_test_module_path_LDADD = $(LDADD_UNIT)

tests_unit_test_number_SOURCES = %D%/test_number.c tools/number.h
tests_unit_test_number_CFLAGS = $(CFLAGS_UNIT)
tests_unit_test_number_LDADD = $(LDADD_UNIT)

tests_unit_test_reservoir_SOURCES = %D%/test_reservoir.c core/pad/reservoir.c
tests_unit_test_reservoir_CFLAGS = $(CFLAGS_UNIT)
tests_unit_test_reservoir_LDADD = $(LDADD_UNIT)

tests_unit_test_pad_SOURCES = %D%/test_pad.c
tests_unit_test_pad_CFLAGS = $(CFLAGS_UNIT)
tests_unit_test_pad_LDADD = $(LDADD_UNIT) $(CORE_LIBS)

tests_unit_test_secret_file_SOURCES = %D%/test_secret_file.c
tests_unit_test_secret_file_CFLAGS = $(CFLAGS_UNIT)
tests_unit_test_secret_file_LDADD = $(LDADD_UNIT)

tests_unit_test_tls_common_SOURCES = %D%/test_tls_common.c
tests_unit_test_tls_common_CFLAGS = $(CFLAGS_UNIT)
tests_unit_test_tls_common_LDADD = $(LDADD_UNIT)

tests_unit_test_config_SOURCES = %D%/test_config.c
tests_unit_test_config_CFLAGS = $(CFLAGS_UNIT)
tests_unit_test_config_LDADD = $(LDADD_UNIT)

tests_unit_test_core_SOURCES = %D%/test_core.c
tests_unit_test_core_CFLAGS = $(CFLAGS_UNIT)
tests_unit_test_core_LDADD = $(LDADD_UNIT)

tests_unit_test_secret_SOURCES = %D%/test_secret.c
tests_unit_test_secret_CFLAGS = $(CFLAGS_UNIT)
tests_unit_test_secret_LDADD = $(LDADD_UNIT)

tests_unit_test_psk_identity_SOURCES = %D%/test_psk_identity.c
tests_unit_test_psk_identity_CFLAGS = $(CFLAGS_UNIT)
tests_unit_test_psk_identity_LDADD = $(LDADD_UNIT)

tests_unit_test_tally_SOURCES = %D%/test_tally.c
tests_unit_test_tally_CFLAGS = $(CFLAGS_UNIT)
tests_unit_test_tally_LDADD = $(LDADD_UNIT)

tests_unit_test_stamp_SOURCES = %D%/test_stamp.c
tests_unit_test_stamp_CFLAGS = $(CFLAGS_UNIT)
tests_unit_test_stamp_LDADD = $(LDADD_UNIT)

tests_unit_test_tls_choice_SOURCES = %D%/test_tls_choice.c
tests_unit_test_tls_choice_CFLAGS = $(CFLAGS_UNIT)
tests_unit_test_tls_choice_LDADD = $(LDADD_UNIT)

tests_unit_test_topology_SOURCES = %D%/test_topology.c
tests_unit_test_topology_CFLAGS = $(CFLAGS_UNIT)
tests_unit_test_topology_LDADD = $(LDADD_UNIT)

if WITH_TURBOJPEG
check_PROGRAMS += tests/unit/test_stamp_jpeg
TESTS += tests/unit/test_stamp_jpeg
tests_unit_test_stamp_jpeg_SOURCES = %D%/test_stamp_jpeg.c
tests_unit_test_stamp_jpeg_CFLAGS = $(CFLAGS_UNIT) $(TURBOJPEG_CFLAGS)
tests_unit_test_stamp_jpeg_LDADD = $(LDADD_UNIT) $(TURBOJPEG_LIBS)
endif

if WITH_JANSSON
check_PROGRAMS += tests/unit/test_kme_parts
TESTS += tests/unit/test_kme_parts
tests_unit_test_kme_parts_SOURCES = %D%/test_kme_parts.c tools/kme/body.c tools/kme/body_compare.c \
	tools/kme/body_peer.c tools/kme/bucket.c tools/kme/carry.c tools/kme/random.c tools/kme/uri.c tools/kme/utf8.c \
	tools/kme/uuid.c
tests_unit_test_kme_parts_CFLAGS = $(CFLAGS_UNIT) $(CORE_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_kme_parts_LDADD = $(LDADD_UNIT) $(CORE_LIBS) $(JANSSON_LIBS)
endif
endif
