# SPDX-License-Identifier: Apache-2.0
if WITH_CURL
if WITH_JANSSON
if WITH_OPENSSL
bin_PROGRAMS += qkd-conformance
qkd_conformance_SOURCES = \
	%D%/arguments.c \
	%D%/arguments.h \
	%D%/checks.c \
	%D%/checks.h \
	%D%/checks_5_1.c \
	%D%/checks_5_2.c \
	%D%/checks_5_3.c \
	%D%/checks_5_4.c \
	%D%/checks_6_1.c \
	%D%/checks_6_2.c \
	%D%/checks_6_3.c \
	%D%/checks_6_4.c \
	%D%/checks_6_5.c \
	%D%/checks_advice.c \
	%D%/checks_shortage.c \
	%D%/client.c \
	%D%/client.h \
	%D%/container.c \
	%D%/container.h \
	%D%/finding.c \
	%D%/hello.c \
	%D%/hello.h \
	%D%/id_from_key.c \
	%D%/json_memory.c \
	%D%/judge.c \
	%D%/limits.c \
	%D%/limits.h \
	%D%/list.c \
	%D%/main.c \
	%D%/pem.c \
	%D%/pem.h \
	%D%/probe.c \
	%D%/probe.h \
	%D%/report.c \
	%D%/report.h \
	%D%/select.c \
	%D%/select.h \
	%D%/take.c
qkd_conformance_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(JANSSON_CFLAGS) $(OPENSSL_CFLAGS)
qkd_conformance_LDADD = libqvisio.la $(CURL_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) -lm
dist_man_MANS += doc/man/qkd-conformance.1
endif
endif
endif
