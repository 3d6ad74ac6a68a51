# SPDX-License-Identifier: Apache-2.0
if WITH_CURL
if WITH_JANSSON
module_LTLIBRARIES += keysource-etsi014.la
keysource_etsi014_la_SOURCES = %D%/etsi014.c %D%/client.c %D%/client.h %D%/connection.c %D%/connection.h \
	%D%/tls.c %D%/tls.h %D%/settings.c %D%/settings.h %D%/pin.c %D%/pin.h \
	%D%/answer.c %D%/answer.h %D%/lift.c %D%/lift.h
keysource_etsi014_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(JANSSON_CFLAGS) $(CORE_CFLAGS)
keysource_etsi014_la_LIBADD = libqvisio.la $(CURL_LIBS) $(JANSSON_LIBS) $(CORE_LIBS)
if WITH_OPENSSL
# Only where libcurl itself is on OpenSSL does this have an effect.
keysource_etsi014_la_CFLAGS += $(OPENSSL_CFLAGS) -DETSI014_OPENSSL
keysource_etsi014_la_LIBADD += $(OPENSSL_LIBS)
endif
# Not unloaded: a name lookup that was cancelled may still run in a thread of libcurl's.
keysource_etsi014_la_LDFLAGS = $(LDFLAGS_MODULE) -Wl,-z,nodelete
endif
endif

dist_man_MANS += doc/man/qvisio-keysource-etsi014.7
EXTRA_DIST += %D%/mockkme.py %D%/drive.py
dist_check_SCRIPTS += %D%/test_etsi014.py %D%/test_qkd_kme.py
if WITH_CURL
if WITH_JANSSON
check_PROGRAMS += modules/keysource/etsi014/drive
modules_keysource_etsi014_drive_SOURCES = %D%/drive.c
modules_keysource_etsi014_drive_LDADD = libqvisio.la
TESTS += %D%/test_etsi014.py %D%/test_qkd_kme.py
endif
endif
