/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of module: its ABI and the callbacks that it must have. */
#include <qvisio/audiocodec.h>
#include <qvisio/audiofilter.h>
#include <qvisio/audiosink.h>
#include <qvisio/audiosource.h>
#include <qvisio/keysource.h>
#include <qvisio/keystore.h>
#include <qvisio/loader.h>
#include <qvisio/qkdlink.h>
#include <qvisio/recorder.h>
#include <qvisio/relay.h>
#include <qvisio/srtp.h>
#include <qvisio/tls.h>
#include <qvisio/videocodec.h>
#include <qvisio/videosink.h>
#include <qvisio/videosource.h>

#include <string.h>

#define AT(kind, member) offsetof(struct qv_##kind##_class, member)

/* clang-format off */
static const size_t keysource_required[] = { AT(keysource, open), AT(keysource, close), AT(keysource, take),
					     AT(keysource, claim), AT(keysource, status), AT(keysource, self), 0 };
static const size_t tls_required[] = { AT(tls, open), AT(tls, close), AT(tls, connect), AT(tls, accept),
				       AT(tls, read), AT(tls, write), AT(tls, pending), AT(tls, shutdown),
				       AT(tls, export_key), AT(tls, facts), AT(tls, free), 0 };
static const size_t videosource_required[] = { AT(videosource, open), AT(videosource, close),
					       AT(videosource, format), AT(videosource, read), 0 };
static const size_t videosink_required[] = { AT(videosink, open), AT(videosink, close), AT(videosink, show), 0 };
static const size_t videocodec_required[] = { AT(videocodec, wire_names), AT(videocodec, encoder_open),
					      AT(videocodec, encoder_close), AT(videocodec, encode),
					      AT(videocodec, decoder_open), AT(videocodec, decoder_close),
					      AT(videocodec, decode), 0 };
static const size_t audiosource_required[] = { AT(audiosource, open), AT(audiosource, close), AT(audiosource, read),
					       0 };
static const size_t audiosink_required[] = { AT(audiosink, open), AT(audiosink, close), AT(audiosink, write),
					     AT(audiosink, delay), 0 };
static const size_t audiocodec_required[] = { AT(audiocodec, wire_name), AT(audiocodec, plan),
					      AT(audiocodec, encoder_open), AT(audiocodec, encoder_close),
					      AT(audiocodec, encode), AT(audiocodec, decoder_open),
					      AT(audiocodec, decoder_close), AT(audiocodec, decode), 0 };

static const size_t keystore_required[] = {
	AT(keystore, open),	AT(keystore, close),	    AT(keystore, property_get), AT(keystore, property_set),
	AT(keystore, import),	AT(keystore, cursor),	    AT(keystore, stock),	AT(keystore, reserve),
	AT(keystore, release),	AT(keystore, reservations), AT(keystore, find),		AT(keystore, settle),
	AT(keystore, deliver),	AT(keystore, promises),	    AT(keystore, undo),		AT(keystore, purge),
	0
};
static const size_t qkdlink_required[] = { AT(qkdlink, open), AT(qkdlink, close), AT(qkdlink, read),
					   AT(qkdlink, wait_ms), 0 };
static const size_t relay_required[] = { AT(relay, open),  AT(relay, close), AT(relay, plan),    AT(relay, plan_free),
					 AT(relay, facts), AT(relay, load),  AT(relay, begin),   AT(relay, end),
					 AT(relay, split), AT(relay, receive), AT(relay, expire), AT(relay, rebuild),
					 0 };

static const size_t recorder_required[] = { AT(recorder, open), AT(recorder, write), AT(recorder, close), 0 };

static const size_t srtp_required[] = { AT(srtp, open),	     AT(srtp, close),	      AT(srtp, add_keys),
					AT(srtp, use_keys),  AT(srtp, drop_keys),     AT(srtp, protect),
					AT(srtp, protect_rtcp), AT(srtp, unprotect), AT(srtp, unprotect_rtcp), 0 };

static const size_t audiofilter_required[] = { AT(audiofilter, plan),    AT(audiofilter, open), AT(audiofilter, close),
					       AT(audiofilter, process), AT(audiofilter, lag),  AT(audiofilter, meters),
					       0 };

#define KIND(kind, KIND, summary)                                                           \
	{                                                                                   \
		#kind, summary, QV_##KIND##_ABI_MAJOR, QV_##KIND##_ABI_MINOR,               \
			sizeof(struct qv_##kind##_class), kind##_required                   \
	}
/* clang-format on */

const struct qv_kind qv_kinds[] = {
	KIND(keysource, KEYSOURCE, "keys shared with a peer"),
	KIND(tls, TLS, "TLS 1.3 keyed by an external PSK"),
	KIND(videosource, VIDEOSOURCE, "frames from a camera, a file or a generator"),
	KIND(videosink, VIDEOSINK, "shows or keeps frames"),
	KIND(videocodec, VIDEOCODEC, "frames to packets and back"),
	KIND(audiosource, AUDIOSOURCE, "sound from a microphone, a file or a generator"),
	KIND(audiosink, AUDIOSINK, "plays or keeps sound"),
	KIND(audiocodec, AUDIOCODEC, "sound to packets and back"),
	KIND(audiofilter, AUDIOFILTER, "takes echo and noise out of captured sound"),
	KIND(keystore, KEYSTORE, "the durable single-use store of a KME"),
	KIND(qkdlink, QKDLINK, "where the keys of a QKD link come from"),
	KIND(relay, RELAY, "brings keys over other KMEs, in shares"),
	KIND(recorder, RECORDER, "keeps a call in a file"),
	KIND(srtp, SRTP, "protects RTP and RTCP"),
	{ NULL, NULL, 0, 0, 0, NULL },
};

const struct qv_kind *qv_kind_find(const char *name)
{
	for (const struct qv_kind *kind = qv_kinds; kind->name; kind++)
		if (strcmp(kind->name, name) == 0)
			return kind;
	return NULL;
}

/* `head` is the first member of each class struct, so the address of one is the address of the other. */
#define DEFINE_CLASS(noun)                                                                                             \
	const struct qv_##noun##_class *qv_##noun##_class(const struct qv_class *class)                                \
	{                                                                                                              \
		bool of_kind = class && strcmp(class->kind, #noun) == 0;                                               \
		return of_kind ? (const struct qv_##noun##_class *)(const void *)class : NULL;                         \
	}

DEFINE_CLASS(keysource)
DEFINE_CLASS(tls)
DEFINE_CLASS(videosource)
DEFINE_CLASS(videosink)
DEFINE_CLASS(videocodec)
DEFINE_CLASS(audiosource)
DEFINE_CLASS(audiosink)
DEFINE_CLASS(audiocodec)
DEFINE_CLASS(audiofilter)
DEFINE_CLASS(keystore)
DEFINE_CLASS(qkdlink)
DEFINE_CLASS(relay)
DEFINE_CLASS(recorder)
DEFINE_CLASS(srtp)

const char *qv_videocodec_wire_name(const struct qv_videocodec_class *class, const struct qv_options *options)
{
	return class->wire_name ? class->wire_name(options) : class->wire_names[0];
}

bool qv_videocodec_decodes(const struct qv_videocodec_class *class, const char *wire_name)
{
	for (const char *const *name = class->wire_names; *name; name++)
		if (strcmp(*name, wire_name) == 0)
			return true;
	return false;
}
