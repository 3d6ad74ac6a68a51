# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += relay-redistribute.la
relay_redistribute_la_SOURCES = \
	%D%/choose.c \
	%D%/groups.c \
	%D%/judge.c \
	%D%/plan.c \
	%D%/rebuild.c \
	%D%/redistribute.c \
	%D%/redistribute.h
relay_redistribute_la_LIBADD = libqvisio.la
relay_redistribute_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-relay-redistribute.7
