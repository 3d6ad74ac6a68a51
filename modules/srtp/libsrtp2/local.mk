# SPDX-License-Identifier: Apache-2.0
if WITH_SRTP
module_LTLIBRARIES += srtp-libsrtp2.la
srtp_libsrtp2_la_SOURCES = %D%/libsrtp2.c
srtp_libsrtp2_la_CFLAGS = $(AM_CFLAGS) $(SRTP_CFLAGS) -pthread
srtp_libsrtp2_la_LIBADD = libqvisio.la $(SRTP_LIBS)
# Not unloaded: NSS, below libsrtp2, keeps what it once set up.
srtp_libsrtp2_la_LDFLAGS = $(LDFLAGS_MODULE) -Wl,-z,nodelete

if WITH_CMOCKA
if WITH_OPENSSL
check_PROGRAMS += modules/srtp/libsrtp2/test_srtp
TESTS += modules/srtp/libsrtp2/test_srtp
modules_srtp_libsrtp2_test_srtp_SOURCES = %D%/test_srtp.c %D%/reference.c %D%/reference.h
modules_srtp_libsrtp2_test_srtp_CFLAGS = $(CFLAGS_UNIT) $(OPENSSL_CFLAGS)
modules_srtp_libsrtp2_test_srtp_LDADD = $(LDADD_UNIT) $(OPENSSL_LIBS)
endif
endif
endif

dist_man_MANS += doc/man/qvisio-srtp-libsrtp2.7
