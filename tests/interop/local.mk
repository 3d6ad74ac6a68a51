# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += tls_peer
tls_peer_SOURCES = \
	%D%/tls_peer.c \
	%D%/tls_peer.h \
	%D%/tls_peer_client.c \
	%D%/tls_peer_psk.c \
	%D%/tls_peer_report.c \
	%D%/tls_peer_server.c
tls_peer_CFLAGS = $(AM_CFLAGS) -pthread
tls_peer_LDADD = libqvisio.la

tls_tests = \
	%D%/test_tls_failures.py \
	%D%/test_tls_foreign.py \
	%D%/test_tls_leaks.py \
	%D%/test_tls_pairs.py
if WITH_OPENSSL
check_PROGRAMS += tls_records
tls_records_SOURCES = %D%/tls_records.c
tls_records_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
tls_records_LDADD = $(OPENSSL_LIBS)
tls_tests += %D%/test_tls_records.py
endif
TESTS += $(tls_tests)
dist_check_SCRIPTS += $(tls_tests)
EXTRA_DIST += %D%/tls_testing.py

check_PROGRAMS += rtp_peer
rtp_peer_SOURCES = %D%/rtp_peer.c
rtp_peer_LDADD = libqvisio.la
TESTS += %D%/test_rtp.py
dist_check_SCRIPTS += %D%/test_rtp.py
if WITH_SRTP
if WITH_OPENSSL
if WITH_JANSSON
if WITH_VPX
if WITH_OPUS
TESTS += %D%/test_srtp_call.py
dist_check_SCRIPTS += %D%/test_srtp_call.py
endif
endif
endif
endif
endif
