# SPDX-License-Identifier: Apache-2.0
# The conformance suites, which qvisio-module links.
noinst_LTLIBRARIES += libconformance.la
libconformance_la_SOURCES = \
	%D%/audiocodec.c \
	%D%/audiofilter.c \
	%D%/audiosink.c \
	%D%/audiosource.c \
	%D%/common.c \
	%D%/conformance.h \
	%D%/damage.c \
	%D%/damage.h \
	%D%/keysource.c \
	%D%/keystore.c \
	%D%/keystore.h \
	%D%/keystore_compare.c \
	%D%/keystore_keys.c \
	%D%/keystore_lasting.c \
	%D%/keystore_parts.c \
	%D%/option_table.c \
	%D%/qkdlink.c \
	%D%/recorder.c \
	%D%/relay.c \
	%D%/relay.h \
	%D%/relay_net.c \
	%D%/result.c \
	%D%/runner.c \
	%D%/srtp.c \
	%D%/suites.c \
	%D%/symbols.c \
	%D%/tls.c \
	%D%/tls_classic.c \
	%D%/tls_pair.c \
	%D%/tls_pair.h \
	%D%/video.c \
	%D%/video.h \
	%D%/videocodec.c \
	%D%/videosink.c \
	%D%/videosource.c
libconformance_la_LIBADD = libqvisio.la -lm

dist_check_SCRIPTS += %D%/test_modules.py
TESTS += %D%/test_modules.py
dist_check_SCRIPTS += %D%/test_mutants.py
TESTS += %D%/test_mutants.py
