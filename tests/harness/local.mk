# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/qvconform.py %D%/qvaudit.py %D%/qvkme.py %D%/qvnetwork.py %D%/qvpostgres.py %D%/qvtest.py %D%/webdriver.py %D%/x11.py %D%/qvaudio.py %D%/qvcall.py

# For unit tests of media modules: LDADD = libmediatest.la $(LDADD_UNIT)
if WITH_CMOCKA
check_LTLIBRARIES += libmediatest.la
libmediatest_la_SOURCES = %D%/media_test.c %D%/media_test.h
libmediatest_la_CFLAGS = $(CFLAGS_UNIT)
libmediatest_la_LIBADD = libqvisio.la $(CMOCKA_LIBS) -lm
endif

if WITH_SNDFILE
check_PROGRAMS += tests/harness/correlate
tests_harness_correlate_SOURCES = %D%/correlate.c
tests_harness_correlate_CFLAGS = $(AM_CFLAGS) $(SNDFILE_CFLAGS)
tests_harness_correlate_LDADD = $(SNDFILE_LIBS) -lm
endif


check_PROGRAMS += tests/harness/impairer
tests_harness_impairer_SOURCES = %D%/impairer.c
