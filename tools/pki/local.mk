# SPDX-License-Identifier: Apache-2.0
if WITH_OPENSSL
bin_PROGRAMS += qkd-pki
qkd_pki_SOURCES = \
	%D%/authority.c \
	%D%/authority.h \
	%D%/commands.c \
	%D%/commands.h \
	%D%/files.c \
	%D%/files.h \
	%D%/issue.c \
	%D%/issue.h \
	%D%/main.c \
	%D%/network.c \
	%D%/network.h \
	%D%/read.c \
	%D%/serial.c \
	%D%/serial.h \
	%D%/show.c
qkd_pki_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
qkd_pki_LDADD = libqvisio.la $(OPENSSL_LIBS)
endif
dist_man_MANS += doc/man/qkd-pki.1
TESTS += %D%/test_qkd_pki.py
dist_check_SCRIPTS += %D%/test_qkd_pki.py
