# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += qkdlink-simulated.la
qkdlink_simulated_la_SOURCES = %D%/simulated.c
qkdlink_simulated_la_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS)
qkdlink_simulated_la_LIBADD = libqvisio.la $(CORE_LIBS)
qkdlink_simulated_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-qkdlink-simulated.7
