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
	%D%/test_tls_pairs.py
TESTS += $(tls_tests)
dist_check_SCRIPTS += $(tls_tests)
EXTRA_DIST += %D%/tls_testing.py
