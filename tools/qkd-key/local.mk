# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += qkd-key
qkd_key_SOURCES = %D%/main.c %D%/arguments.c %D%/arguments.h %D%/output.c %D%/output.h
qkd_key_LDADD = libqvisio.la

dist_man_MANS += doc/man/qkd-key.1
dist_check_SCRIPTS += %D%/test_qkd_key.py
TESTS += %D%/test_qkd_key.py
