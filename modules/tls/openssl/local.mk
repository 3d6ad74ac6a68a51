# SPDX-License-Identifier: Apache-2.0
if WITH_OPENSSL
module_LTLIBRARIES += tls-openssl.la
tls_openssl_la_SOURCES = \
	%D%/backend.h \
	%D%/certificate.c \
	%D%/context.c \
	%D%/facts.c \
	%D%/failure.c \
	%D%/handshake.c \
	%D%/psk.c \
	%D%/socket.c \
	%D%/stream.c
tls_openssl_la_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
tls_openssl_la_LIBADD = libqvisio.la $(OPENSSL_LIBS)
tls_openssl_la_LDFLAGS = $(LDFLAGS_MODULE)
endif

dist_man_MANS += doc/man/qvisio-tls-openssl.7
