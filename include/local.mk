# SPDX-License-Identifier: Apache-2.0
qvisioincludedir = $(includedir)/qvisio
qvisioinclude_HEADERS = \
	%D%/qvisio/audiocodec.h \
	%D%/qvisio/audiofilter.h \
	%D%/qvisio/audiosink.h \
	%D%/qvisio/audiosource.h \
	%D%/qvisio/call.h \
	%D%/qvisio/call_control.h \
	%D%/qvisio/clock.h \
	%D%/qvisio/conference.h \
	%D%/qvisio/config.h \
	%D%/qvisio/error.h \
	%D%/qvisio/generator.h \
	%D%/qvisio/keysource.h \
	%D%/qvisio/keystore.h \
	%D%/qvisio/loader.h \
	%D%/qvisio/log.h \
	%D%/qvisio/media.h \
	%D%/qvisio/module.h \
	%D%/qvisio/option.h \
	%D%/qvisio/pad.h \
	%D%/qvisio/psk_identity.h \
	%D%/qvisio/qkdlink.h \
	%D%/qvisio/recorder.h \
	%D%/qvisio/relay.h \
	%D%/qvisio/route.h \
	%D%/qvisio/rtcp.h \
	%D%/qvisio/rtp.h \
	%D%/qvisio/rtp_flow.h \
	%D%/qvisio/secret.h \
	%D%/qvisio/secure.h \
	%D%/qvisio/session.h \
	%D%/qvisio/shamir.h \
	%D%/qvisio/srtp.h \
	%D%/qvisio/stamp.h \
	%D%/qvisio/tally.h \
	%D%/qvisio/tls.h \
	%D%/qvisio/tls_backend.h \
	%D%/qvisio/topology.h \
	%D%/qvisio/videocodec.h \
	%D%/qvisio/videosink.h \
	%D%/qvisio/videosource.h
