# SPDX-License-Identifier: Apache-2.0
if WITH_JANSSON
kme_body_sources = tools/kme/body.c tools/kme/body_compare.c tools/kme/body_peer.c tools/kme/random.c tools/kme/uri.c \
	tools/kme/utf8.c tools/kme/uuid.c
FUZZERS += fuzz/tools/kme_audit fuzz/tools/kme_body fuzz/tools/kme_relay fuzz/tools/kme_uri
fuzz_tools_kme_audit_SOURCES = %D%/kme_audit.c fuzz/fuzz.h tools/kme/audit_line.c tools/kme/utf8.c
fuzz_tools_kme_audit_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(JANSSON_CFLAGS)
fuzz_tools_kme_audit_LDADD = $(LDADD_FUZZ) $(CORE_LIBS) $(JANSSON_LIBS)
fuzz_tools_kme_body_SOURCES = %D%/kme_body.c fuzz/fuzz.h $(kme_body_sources)
fuzz_tools_kme_body_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(JANSSON_CFLAGS)
fuzz_tools_kme_body_LDADD = $(LDADD_FUZZ) $(CORE_LIBS) $(JANSSON_LIBS)
fuzz_tools_kme_relay_SOURCES = %D%/kme_relay.c fuzz/fuzz.h $(kme_body_sources) tools/kme/relay/body_relay.c \
	tools/kme/relay/confirm.c tools/kme/relay/hop.c
fuzz_tools_kme_relay_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(JANSSON_CFLAGS) $(GNUTLS_CFLAGS) $(CURL_CFLAGS)
fuzz_tools_kme_relay_LDADD = $(LDADD_FUZZ) $(CORE_LIBS) $(JANSSON_LIBS)
fuzz_tools_kme_uri_SOURCES = %D%/kme_uri.c fuzz/fuzz.h $(kme_body_sources)
fuzz_tools_kme_uri_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(JANSSON_CFLAGS)
fuzz_tools_kme_uri_LDADD = $(LDADD_FUZZ) $(CORE_LIBS) $(JANSSON_LIBS)
endif
EXTRA_DIST += %D%/corpus/kme_audit %D%/corpus/kme_body %D%/corpus/kme_relay %D%/corpus/kme_uri
