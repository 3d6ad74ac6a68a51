# SPDX-License-Identifier: Apache-2.0
if WITH_CMOCKA
call_tests = \
	tests/call/test_call \
	tests/call/test_call_parts \
	tests/call/test_fitting \
	tests/call/test_jitter_buffer \
	tests/call/test_key_budget \
	tests/call/test_lip_sync \
	tests/call/test_picture_size \
	tests/call/test_otp \
	tests/call/test_otp_resume \
	tests/call/test_hostile_peer \
	tests/call/test_protocol \
	tests/call/test_recording \
	tests/call/test_refuse \
	tests/call/test_repairs \
	tests/call/test_sealed_rtp \
	tests/call/test_greeting \
	tests/call/test_session \
	tests/call/test_transport_parts \
	tests/call/test_rekeying \
	tests/call/test_resuming \
	tests/call/test_resuming_bytes \
	tests/call/test_two_way
check_PROGRAMS += $(call_tests)
TESTS += $(call_tests)

call_parts = \
	%D%/ends.c \
	%D%/part_codecs.c \
	%D%/part_sinks.c \
	%D%/part_sources.c \
	%D%/parts.c \
	%D%/parts.h \
	%D%/plain_tls.c

tests_call_test_call_SOURCES = %D%/test_call.c $(call_parts)
tests_call_test_call_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_call_LDADD = $(LDADD_UNIT)

# These are not part of the library's interface, so the test has its own copy.
tests_call_test_call_parts_SOURCES = \
	%D%/test_call_parts.c \
	core/call/assembler.c \
	core/call/clock_offset.c \
	core/call/histogram.c \
	core/call/inbox.c \
	core/call/outbox.c \
	core/call/unit_buffer.c
tests_call_test_call_parts_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_call_parts_LDADD = $(LDADD_UNIT)

tests_call_test_jitter_buffer_SOURCES = \
	%D%/test_jitter_buffer.c \
	core/audio/arrival.c \
	core/audio/drift.c \
	core/call/jitter_buffer.c \
	core/call/unit_buffer.c
tests_call_test_jitter_buffer_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_jitter_buffer_LDADD = $(LDADD_UNIT) -lm

tests_call_test_repairs_SOURCES = \
	%D%/test_repairs.c \
	tests/unit/rtp/link.c \
	tests/unit/rtp/link.h \
	core/call/redundancy.c \
	core/call/rtp_in.c \
	core/call/rtp_out.c \
	core/call/rtp_stream.c \
	core/call/sound_pads.c \
	core/call/unit_buffer.c \
	core/call/unit_extension.c
tests_call_test_repairs_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_repairs_LDADD = $(LDADD_UNIT)

tests_call_test_transport_parts_SOURCES = \
	%D%/test_transport_parts.c \
	core/call/fates.c \
	core/call/path.c \
	core/call/redundancy.c \
	core/call/rtp_in.c \
	core/call/rtp_out.c \
	core/call/rtp_stream.c \
	core/call/sound_pads.c \
	core/call/shares.c \
	core/call/stream_rate.c \
	core/call/unit_buffer.c \
	core/call/unit_extension.c
tests_call_test_transport_parts_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_transport_parts_LDADD = $(LDADD_UNIT)

tests_call_test_sealed_rtp_SOURCES = \
	%D%/test_sealed_rtp.c \
	core/call/redundancy.c \
	core/call/rtp_in.c \
	core/call/rtp_out.c \
	core/call/rtp_stream.c \
	core/call/sound_pads.c \
	core/call/unit_buffer.c \
	core/call/unit_extension.c
tests_call_test_sealed_rtp_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_sealed_rtp_LDADD = $(LDADD_UNIT) $(CORE_LIBS)

tests_call_test_key_budget_SOURCES = %D%/test_key_budget.c core/call/key_budget.c
tests_call_test_key_budget_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_key_budget_LDADD = $(LDADD_UNIT)

tests_call_test_lip_sync_SOURCES = \
	%D%/test_lip_sync.c \
	core/audio/arrival.c \
	core/audio/drift.c \
	core/call/jitter_buffer.c \
	core/call/lip_sync.c \
	core/call/unit_buffer.c
tests_call_test_lip_sync_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_lip_sync_LDADD = $(LDADD_UNIT) -lm

tests_call_test_fitting_SOURCES = \
	%D%/test_fitting.c \
	core/call/fitting.c \
	core/call/picture_size.c \
	core/picture_scale.c
tests_call_test_fitting_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_fitting_LDADD = $(LDADD_UNIT)

tests_call_test_picture_size_SOURCES = %D%/test_picture_size.c core/call/picture_size.c
tests_call_test_picture_size_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_picture_size_LDADD = $(LDADD_UNIT)

tests_call_test_otp_SOURCES = %D%/test_otp.c %D%/part_kme.c %D%/part_kme.h $(call_parts)
tests_call_test_otp_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_otp_LDADD = $(LDADD_UNIT) $(CORE_LIBS)

tests_call_test_otp_resume_SOURCES = %D%/test_otp_resume.c %D%/part_kme.c %D%/part_kme.h %D%/two_way.c %D%/two_way.h \
	$(call_parts)
tests_call_test_otp_resume_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_otp_resume_LDADD = $(LDADD_UNIT) $(CORE_LIBS)

tests_call_test_protocol_SOURCES = %D%/test_protocol.c %D%/byte_peer.c %D%/byte_peer.h $(call_parts)
tests_call_test_protocol_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_protocol_LDADD = $(LDADD_UNIT)

tests_call_test_hostile_peer_SOURCES = %D%/test_hostile_peer.c %D%/byte_peer.c %D%/byte_peer.h $(call_parts)
tests_call_test_hostile_peer_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_hostile_peer_LDADD = $(LDADD_UNIT)

tests_call_test_recording_SOURCES = %D%/test_recording.c $(call_parts)
tests_call_test_recording_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_recording_LDADD = $(LDADD_UNIT)

tests_call_test_refuse_SOURCES = %D%/test_refuse.c $(call_parts)
tests_call_test_refuse_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_refuse_LDADD = $(LDADD_UNIT)

tests_call_test_rekeying_SOURCES = %D%/test_rekeying.c %D%/two_way.c %D%/two_way.h $(call_parts)
tests_call_test_rekeying_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_rekeying_LDADD = $(LDADD_UNIT)

tests_call_test_resuming_SOURCES = %D%/test_resuming.c %D%/two_way.c %D%/two_way.h $(call_parts)
tests_call_test_resuming_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_resuming_LDADD = $(LDADD_UNIT)

tests_call_test_resuming_bytes_SOURCES = %D%/test_resuming_bytes.c $(call_parts)
tests_call_test_resuming_bytes_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_resuming_bytes_LDADD = $(LDADD_UNIT)

tests_call_test_two_way_SOURCES = %D%/test_two_way.c %D%/two_way.c %D%/two_way.h %D%/recorded_1_0.h $(call_parts)
tests_call_test_two_way_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_two_way_LDADD = $(LDADD_UNIT)

tests_call_test_greeting_SOURCES = %D%/test_greeting.c
tests_call_test_greeting_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_greeting_LDADD = $(LDADD_UNIT)

tests_call_test_session_SOURCES = %D%/test_session.c
tests_call_test_session_CFLAGS = $(CFLAGS_UNIT)
tests_call_test_session_LDADD = $(LDADD_UNIT)
endif
