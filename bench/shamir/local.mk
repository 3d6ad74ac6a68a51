# SPDX-License-Identifier: Apache-2.0
if WITH_GFSHARE
if WITH_ISAL
if WITH_OPENSSL
BENCHES += bench/shamir/shamir
bench_shamir_shamir_SOURCES = \
	%D%/gfshare.c \
	%D%/isal.c \
	%D%/ours.c \
	%D%/peers.h \
	%D%/shamir.c \
	bench/bench.h
bench_shamir_shamir_CPPFLAGS = $(CPPFLAGS_SHAMIR) $(OPENSSL_CFLAGS) $(GFSHARE_CFLAGS) $(ISAL_CFLAGS)
bench_shamir_shamir_LDADD = libbench.la libshamir.la libqvisio.la $(CORE_LIBS) $(OPENSSL_LIBS) $(GFSHARE_LIBS) \
	$(ISAL_LIBS)
endif
endif
endif
