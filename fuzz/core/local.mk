# SPDX-License-Identifier: Apache-2.0
FUZZERS += fuzz/core/psk_identity
fuzz_core_psk_identity_SOURCES = %D%/psk_identity.c fuzz/fuzz.h
fuzz_core_psk_identity_LDADD = $(LDADD_FUZZ)
EXTRA_DIST += %D%/corpus

FUZZERS += fuzz/core/tls_choice
fuzz_core_tls_choice_SOURCES = %D%/tls_choice.c fuzz/fuzz.h
fuzz_core_tls_choice_LDADD = $(LDADD_FUZZ)

FUZZERS += fuzz/core/session
fuzz_core_session_SOURCES = %D%/session.c fuzz/fuzz.h core/call/assembler.c core/call/unit_buffer.c
fuzz_core_session_LDADD = $(LDADD_FUZZ)

FUZZERS += fuzz/core/config
fuzz_core_config_SOURCES = %D%/config.c fuzz/fuzz.h
fuzz_core_config_LDADD = $(LDADD_FUZZ)

FUZZERS += fuzz/core/shamir
fuzz_core_shamir_SOURCES = %D%/shamir.c fuzz/fuzz.h tests/unit/shamir/slow.c tests/unit/shamir/slow.h
fuzz_core_shamir_CPPFLAGS = $(CPPFLAGS_SHAMIR)
fuzz_core_shamir_LDADD = $(LDADD_FUZZ)

FUZZERS += fuzz/core/relay_envelope
fuzz_core_relay_envelope_SOURCES = %D%/relay_envelope.c fuzz/fuzz.h
fuzz_core_relay_envelope_LDADD = $(LDADD_FUZZ)

FUZZERS += fuzz/core/topology
fuzz_core_topology_SOURCES = %D%/topology.c fuzz/fuzz.h
fuzz_core_topology_LDADD = $(LDADD_FUZZ)

FUZZERS += fuzz/core/rtp
fuzz_core_rtp_SOURCES = %D%/rtp.c fuzz/fuzz.h
fuzz_core_rtp_LDADD = $(LDADD_FUZZ)

FUZZERS += fuzz/core/rtcp
fuzz_core_rtcp_SOURCES = %D%/rtcp.c fuzz/fuzz.h
fuzz_core_rtcp_LDADD = $(LDADD_FUZZ)

FUZZERS += fuzz/core/units
fuzz_core_units_SOURCES = %D%/units.c fuzz/fuzz.h core/call/fates.c core/call/rtp_in.c core/call/rtp_stream.c \
	core/call/sound_pads.c core/call/unit_buffer.c core/call/unit_extension.c
fuzz_core_units_LDADD = $(LDADD_FUZZ)

FUZZERS += fuzz/core/pad
fuzz_core_pad_SOURCES = %D%/pad.c fuzz/fuzz.h
fuzz_core_pad_LDADD = $(LDADD_FUZZ)

FUZZERS += fuzz/core/sealed_rtp
fuzz_core_sealed_rtp_SOURCES = %D%/sealed_rtp.c fuzz/fuzz.h core/call/rtp_in.c core/call/rtp_stream.c \
	core/call/sound_pads.c core/call/unit_buffer.c core/call/unit_extension.c
fuzz_core_sealed_rtp_LDADD = $(LDADD_FUZZ)
