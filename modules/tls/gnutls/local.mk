# SPDX-License-Identifier: Apache-2.0
if WITH_GNUTLS
module_LTLIBRARIES += tls-gnutls.la
tls_gnutls_la_SOURCES = \
	%D%/backend.h \
	%D%/certificate.c \
	%D%/context.c \
	%D%/facts.c \
	%D%/failure.c \
	%D%/handshake.c \
	%D%/priority.c \
	%D%/psk.c \
	%D%/socket.c \
	%D%/stream.c
tls_gnutls_la_CFLAGS = $(AM_CFLAGS) $(GNUTLS_CFLAGS)
tls_gnutls_la_LIBADD = libqvisio.la $(GNUTLS_LIBS)
tls_gnutls_la_LDFLAGS = $(LDFLAGS_MODULE)
endif

dist_man_MANS += doc/man/qvisio-tls-gnutls.7
