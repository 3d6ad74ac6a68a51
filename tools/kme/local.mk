# SPDX-License-Identifier: Apache-2.0
# The admin page, put into the program as it is. One script for each section of the page.
kme_www = \
	%D%/admin/www/index.html \
	%D%/admin/www/login.html \
	%D%/admin/www/style.css \
	%D%/admin/www/icon.svg \
	%D%/admin/www/app.js \
	%D%/admin/www/chart.js \
	%D%/admin/www/dom.js \
	%D%/admin/www/events.js \
	%D%/admin/www/figures.js \
	%D%/admin/www/links.js \
	%D%/admin/www/login.js \
	%D%/admin/www/relay.js \
	%D%/admin/www/saes.js \
	%D%/admin/www/status.js
EXTRA_DIST += $(kme_www) %D%/admin/embed.sh
CLEANFILES += %D%/admin/www.c
%D%/admin/www.c: $(kme_www) %D%/admin/embed.sh
	$(AM_V_GEN)$(MKDIR_P) %D%/admin && \
	files=; for file in $(kme_www); do \
		test -f $$file || file=$(srcdir)/$$file; files="$$files $$file"; done; \
	$(SHELL) $(srcdir)/%D%/admin/embed.sh $$files > $@.new && mv $@.new $@
if WITH_MICROHTTPD
if WITH_JANSSON
if WITH_GNUTLS
if WITH_CURL
bin_PROGRAMS += qkd-kme
qkd_kme_SOURCES = \
	%D%/activate.c \
	%D%/activate.h \
	%D%/admin/access.c \
	%D%/admin/access.h \
	%D%/admin/admin.c \
	%D%/admin/admin.h \
	%D%/admin/answers.c \
	%D%/admin/answers.h \
	%D%/admin/live.c \
	%D%/admin/live.h \
	%D%/admin/sample.c \
	%D%/admin/sample.h \
	%D%/admin/series.c \
	%D%/admin/series.h \
	%D%/admin/www.h \
	%D%/apis.h \
	%D%/audit.c \
	%D%/audit.h \
	%D%/audit_event.c \
	%D%/audit_event.h \
	%D%/audit_file.c \
	%D%/audit_file.h \
	%D%/audit_line.c \
	%D%/audit_line.h \
	%D%/audit_verify.c \
	%D%/body.c \
	%D%/body.h \
	%D%/body_compare.c \
	%D%/body_json.h \
	%D%/body_peer.c \
	%D%/bucket.c \
	%D%/bucket.h \
	%D%/carry.c \
	%D%/carry.h \
	%D%/compare.c \
	%D%/compare.h \
	%D%/configure.c \
	%D%/configure.h \
	%D%/configure_admin.c \
	%D%/configure_audit.c \
	%D%/configure_keys.c \
	%D%/configure_listeners.c \
	%D%/configure_peers.c \
	%D%/configure_relay.c \
	%D%/configure_saes.c \
	%D%/configure_store.c \
	%D%/connection.c \
	%D%/connection.h \
	%D%/dec_keys.c \
	%D%/enc_keys.c \
	%D%/event.c \
	%D%/event.h \
	%D%/file.c \
	%D%/file.h \
	%D%/identity.c \
	%D%/identity.h \
	%D%/input.c \
	%D%/input.h \
	%D%/issue.c \
	%D%/issue.h \
	%D%/keys_reply.c \
	%D%/kme.c \
	%D%/kme.h \
	%D%/kme_api.c \
	%D%/kme_api_activate.c \
	%D%/kme_api_compare.c \
	%D%/kme_api_undo.c \
	%D%/links.c \
	%D%/links.h \
	%D%/listeners.c \
	%D%/main.c \
	%D%/metrics.c \
	%D%/metrics.h \
	%D%/notify.c \
	%D%/notify.h \
	%D%/peer_client.c \
	%D%/peer_client.h \
	%D%/peers.c \
	%D%/peers.h \
	%D%/promise.c \
	%D%/promise.h \
	%D%/prompt.c \
	%D%/prompt.h \
	%D%/quick.c \
	%D%/random.c \
	%D%/random.h \
	%D%/relay/body_relay.c \
	%D%/relay/body_relay.h \
	%D%/relay/confirm.c \
	%D%/relay/confirm.h \
	%D%/relay/destination.c \
	%D%/relay/destination.h \
	%D%/relay/hop.c \
	%D%/relay/hop.h \
	%D%/relay/link_keys.c \
	%D%/relay/link_keys.h \
	%D%/relay/network.c \
	%D%/relay/network.h \
	%D%/relay/origin.c \
	%D%/relay/origin.h \
	%D%/relay/outbox.c \
	%D%/relay/outbox.h \
	%D%/relay/relay.c \
	%D%/relay/relay.h \
	%D%/relay/session.c \
	%D%/relay/session.h \
	%D%/relay/stock.c \
	%D%/relay/stock.h \
	%D%/relay/trouble.c \
	%D%/relay/trouble.h \
	%D%/relay/view.c \
	%D%/relay/view.h \
	%D%/reload.c \
	%D%/reply.c \
	%D%/reply.h \
	%D%/route.c \
	%D%/route.h \
	%D%/route_direct.c \
	%D%/sae_api.c \
	%D%/seal.c \
	%D%/seal.h \
	%D%/seal_source.c \
	%D%/seal_source.h \
	%D%/server.c \
	%D%/server.h \
	%D%/socket.c \
	%D%/socket.h \
	%D%/status.c \
	%D%/store_timed.c \
	%D%/store_timed.h \
	%D%/tls.c \
	%D%/tls.h \
	%D%/tls_crl.c \
	%D%/tls_crl.h \
	%D%/undo.c \
	%D%/uri.c \
	%D%/uri.h \
	%D%/utf8.c \
	%D%/utf8.h \
	%D%/uuid.c \
	%D%/uuid.h \
	%D%/watch.c \
	%D%/watch.h \
	%D%/watchdog.c \
	%D%/watchdog.h \
	%D%/workers.c \
	%D%/workers.h
nodist_qkd_kme_SOURCES = tools/kme/admin/www.c
qkd_kme_CFLAGS = $(AM_CFLAGS) $(CORE_CFLAGS) $(MICROHTTPD_CFLAGS) $(JANSSON_CFLAGS) $(GNUTLS_CFLAGS) $(CURL_CFLAGS)
qkd_kme_LDADD = libqvisio.la $(CORE_LIBS) $(MICROHTTPD_LIBS) $(JANSSON_LIBS) $(GNUTLS_LIBS) $(CURL_LIBS) -lpthread
dist_man_MANS += doc/man/qkd-kme.8
endif
endif
endif
endif
