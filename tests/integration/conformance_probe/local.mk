# SPDX-License-Identifier: Apache-2.0
if WITH_CURL
if WITH_JANSSON
if WITH_OPENSSL
TESTS += %D%/test_probe.py
if WITH_MICROHTTPD
if WITH_GNUTLS
if WITH_SQLITE
TESTS += %D%/test_kme.py
endif
endif
endif
endif
endif
endif
dist_check_SCRIPTS += %D%/test_probe.py %D%/test_kme.py
EXTRA_DIST += %D%/faults.py %D%/stub_kme.py
