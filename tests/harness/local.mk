# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/qvconform.py %D%/qvaudit.py %D%/qvconference.py %D%/qvkme.py %D%/qvnetwork.py %D%/qvpostgres.py %D%/qvstamp.py %D%/qvtest.py %D%/webdriver.py %D%/x11.py %D%/qvaudio.py %D%/qvdevices.py %D%/qvcall.py %D%/qvdetour.py %D%/qvfield.py %D%/qvvisio.py

check_PROGRAMS += tests/harness/limited
tests_harness_limited_SOURCES = %D%/limited.c
dist_check_SCRIPTS += %D%/test_limited.py
TESTS += %D%/test_limited.py

# For unit tests of media modules: LDADD = libmediatest.la $(LDADD_UNIT)
if WITH_CMOCKA
check_LTLIBRARIES += libmediatest.la
libmediatest_la_SOURCES = %D%/echo_room.c %D%/echo_room.h %D%/media_test.c %D%/media_test.h
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
tests_harness_impairer_SOURCES = \
	%D%/network/control.c \
	%D%/network/control.h \
	%D%/network/impairer.c \
	%D%/network/nodes.c \
	%D%/network/nodes.h \
	%D%/network/path.c \
	%D%/network/path.h
tests_harness_impairer_LDADD = -lm

# What was shown and heard when; see qvfield.py.
check_LTLIBRARIES += tests/harness/videosink-witness.la tests/harness/audiosink-witness.la
check_PROGRAMS += tests/harness/listener
witness_pattern = modules/videosource/testpattern/pattern.c modules/videosource/testpattern/pattern.h \
	modules/videosource/testpattern/digits.c modules/videosource/testpattern/digits.h \
	core/picture_scale.c core/picture_scale.h
tests_harness_videosink_witness_la_SOURCES = %D%/witness/videosink.c %D%/witness/judge.c %D%/witness/judge.h $(witness_pattern)
tests_harness_videosink_witness_la_LIBADD = libqvisio.la -lm
tests_harness_videosink_witness_la_LDFLAGS = $(LDFLAGS_MOCK)
tests_harness_audiosink_witness_la_SOURCES = %D%/witness/audiosink.c %D%/witness/recording.c %D%/witness/recording.h
tests_harness_audiosink_witness_la_LIBADD = libqvisio.la
tests_harness_audiosink_witness_la_LDFLAGS = $(LDFLAGS_MOCK)
if WITH_SRTP
if WITH_OPENSSL
check_LTLIBRARIES += tests/harness/libsrtptapped.la tests/harness/srtp-tap.la
tests_harness_libsrtptapped_la_SOURCES = modules/srtp/libsrtp2/libsrtp2.c
tests_harness_libsrtptapped_la_CPPFLAGS = $(AM_CPPFLAGS) -Dqv_module=tapped
tests_harness_libsrtptapped_la_CFLAGS = $(AM_CFLAGS) $(SRTP_CFLAGS) -pthread
tests_harness_srtp_tap_la_SOURCES = %D%/tap/tap.c modules/srtp/libsrtp2/reference.c modules/srtp/libsrtp2/reference.h
tests_harness_srtp_tap_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_harness_srtp_tap_la_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
tests_harness_srtp_tap_la_LIBADD = tests/harness/libsrtptapped.la libqvisio.la $(SRTP_LIBS) $(OPENSSL_LIBS)
tests_harness_srtp_tap_la_LDFLAGS = $(LDFLAGS_MOCK)
endif
endif
if WITH_OPENSSL
check_LTLIBRARIES += tests/harness/libopensslaged.la tests/harness/tls-older.la
tests_harness_libopensslaged_la_SOURCES = $(tls_openssl_la_SOURCES)
tests_harness_libopensslaged_la_CPPFLAGS = $(AM_CPPFLAGS) -Dqv_module=aged
tests_harness_libopensslaged_la_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
tests_harness_tls_older_la_SOURCES = %D%/older/older.c
tests_harness_tls_older_la_LIBADD = tests/harness/libopensslaged.la libqvisio.la $(OPENSSL_LIBS)
tests_harness_tls_older_la_LDFLAGS = $(LDFLAGS_MOCK)
endif
tests_harness_listener_SOURCES = %D%/witness/listener.c modules/audiosource/tone/signal.c modules/audiosource/tone/signal.h
tests_harness_listener_CFLAGS = $(AM_CFLAGS)
tests_harness_listener_LDADD = -lm

if WITH_ALSA
check_LTLIBRARIES += tests/harness/qvcard.la
tests_harness_qvcard_la_SOURCES = %D%/card/card.c %D%/witness/recording.c %D%/witness/recording.h \
	modules/audiosource/tone/signal.c modules/audiosource/tone/signal.h
tests_harness_qvcard_la_CFLAGS = $(AM_CFLAGS) $(ALSA_CFLAGS) -DPIC -Wno-missing-prototypes
tests_harness_qvcard_la_LIBADD = $(ALSA_LIBS) -lm
tests_harness_qvcard_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere
endif

if WITH_CMOCKA
check_PROGRAMS += tests/harness/test_judge
TESTS += tests/harness/test_judge
tests_harness_test_judge_SOURCES = %D%/witness/test_judge.c %D%/witness/judge.c %D%/witness/judge.h %D%/witness/recording.c \
	%D%/witness/recording.h $(witness_pattern)
tests_harness_test_judge_CFLAGS = $(CFLAGS_UNIT)
tests_harness_test_judge_LDADD = $(LDADD_UNIT) -lm
endif
