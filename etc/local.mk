# SPDX-License-Identifier: Apache-2.0
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = %D%/bash-completion/qvisio-module %D%/bash-completion/visio
sampledir = $(docdir)/examples
dist_sample_DATA = %D%/qkd-key.conf %D%/qkd-kme.conf %D%/pki.conf %D%/relay-demo.conf %D%/visio.conf %D%/visio_client.conf %D%/visio_client.json %D%/visio_server.conf %D%/visio_server.json

if WITH_MICROHTTPD
if WITH_JANSSON
if WITH_GNUTLS
if WITH_CURL
noinst_DATA += qkd-kme.service
if WITH_SYSTEMD_UNITS
systemdsystemunit_DATA = qkd-kme.service
endif
endif
endif
endif
endif
CLEANFILES += qkd-kme.service
EXTRA_DIST += %D%/qkd-kme.service.in
qkd-kme.service: $(srcdir)/%D%/qkd-kme.service.in Makefile
	$(AM_V_GEN)$(SED) -e 's|@bindir[@]|$(bindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
		$(srcdir)/%D%/qkd-kme.service.in >$@.new && mv $@.new $@
