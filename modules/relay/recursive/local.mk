# SPDX-License-Identifier: Apache-2.0
module_LTLIBRARIES += relay-recursive.la
relay_recursive_la_SOURCES = %D%/judge.c %D%/plan.c %D%/rebuild.c %D%/recursive.c %D%/recursive.h
relay_recursive_la_LIBADD = libqvisio.la
relay_recursive_la_LDFLAGS = $(LDFLAGS_MODULE)
dist_man_MANS += doc/man/qvisio-relay-recursive.7
