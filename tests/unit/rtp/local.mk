# SPDX-License-Identifier: Apache-2.0
if WITH_CMOCKA
rtp_tests = \
	tests/unit/rtp/test_repair \
	tests/unit/rtp/test_rtcp \
	tests/unit/rtp/test_rtp \
	tests/unit/rtp/test_rtp_congestion \
	tests/unit/rtp/test_rtp_flow
check_PROGRAMS += $(rtp_tests)
TESTS += $(rtp_tests)

tests_unit_rtp_test_repair_SOURCES = %D%/test_repair.c
tests_unit_rtp_test_repair_CFLAGS = $(CFLAGS_UNIT)
tests_unit_rtp_test_repair_LDADD = $(LDADD_UNIT)

tests_unit_rtp_test_rtp_SOURCES = %D%/test_rtp.c
tests_unit_rtp_test_rtp_CFLAGS = $(CFLAGS_UNIT)
tests_unit_rtp_test_rtp_LDADD = $(LDADD_UNIT)

tests_unit_rtp_test_rtcp_SOURCES = %D%/test_rtcp.c
tests_unit_rtp_test_rtcp_CFLAGS = $(CFLAGS_UNIT)
tests_unit_rtp_test_rtcp_LDADD = $(LDADD_UNIT)

tests_unit_rtp_test_rtp_congestion_SOURCES = %D%/test_rtp_congestion.c %D%/link.c %D%/link.h
tests_unit_rtp_test_rtp_congestion_CFLAGS = $(CFLAGS_UNIT)
tests_unit_rtp_test_rtp_congestion_LDADD = $(LDADD_UNIT)

tests_unit_rtp_test_rtp_flow_SOURCES = %D%/test_rtp_flow.c %D%/link.h
tests_unit_rtp_test_rtp_flow_CFLAGS = $(CFLAGS_UNIT)
tests_unit_rtp_test_rtp_flow_LDADD = $(LDADD_UNIT)
endif
