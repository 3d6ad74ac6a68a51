/* SPDX-License-Identifier: Apache-2.0 */
#include "engine.h"

#include <memory>
#include <new>
#include <vector>

/* A type of its settings is known by the address of a variable that the headers have: it has to be the library's. */
#pragma GCC visibility push(default)
#include <webrtc/modules/audio_processing/include/audio_processing.h>
#pragma GCC visibility pop

using webrtc::AudioProcessing;
using webrtc::StreamConfig;

struct engine {
	std::unique_ptr<AudioProcessing> apm;
	StreamConfig stream;
	std::vector<float> thrown_away; /* what the library makes of played sound */
	bool noise;
};

static bool set_up(AudioProcessing *apm, const engine_settings *s)
{
	using Echo = webrtc::EchoCancellation;
	using Noise = webrtc::NoiseSuppression;
	using Gain = webrtc::GainControl;
	int failed = apm->echo_cancellation()->Enable(s->echo);
	failed |= apm->echo_cancellation()->set_suppression_level(static_cast<Echo::SuppressionLevel>(s->suppression));
	failed |= apm->high_pass_filter()->Enable(s->low_cut);
	failed |= apm->noise_suppression()->Enable(s->noise > 0);
	if (s->noise > 0)
		failed |= apm->noise_suppression()->set_level(static_cast<Noise::Level>(s->noise - 1));
	else
		failed |= apm->voice_detection()->Enable(true);
	if (s->gain_db > 0) {
		/* The adaptive mode plays the knob of a microphone besides, and so adds up to 18 dB more. */
		failed |= apm->gain_control()->set_mode(Gain::kFixedDigital);
		failed |= apm->gain_control()->set_target_level_dbfs(s->level_dbfs);
		failed |= apm->gain_control()->set_compression_gain_db(s->gain_db);
		failed |= apm->gain_control()->enable_limiter(true);
	}
	failed |= apm->gain_control()->Enable(s->gain_db > 0);
	return failed == 0;
}

static engine *make(const engine_settings *settings)
{
	webrtc::Config config;
	config.Set<webrtc::ExtendedFilter>(new webrtc::ExtendedFilter(settings->long_echo));
	config.Set<webrtc::DelayAgnostic>(new webrtc::DelayAgnostic(false));
	config.Set<webrtc::ExperimentalAgc>(new webrtc::ExperimentalAgc(false));
	std::unique_ptr<engine> made(new engine);
	made->apm.reset(AudioProcessing::Create(config));
	made->stream = StreamConfig(settings->rate, 1);
	made->thrown_away.resize(made->stream.num_frames());
	made->noise = settings->noise > 0;
	webrtc::ProcessingConfig all = { { made->stream, made->stream, made->stream, made->stream } };
	if (!made->apm || made->apm->Initialize(all) != 0 || !set_up(made->apm.get(), settings))
		return nullptr;
	return made.release();
}

engine *engine_new(const engine_settings *settings)
{
	try {
		return make(settings);
	} catch (...) {
		return nullptr;
	}
}

void engine_free(engine *engine)
{
	delete engine;
}

int engine_played(engine *engine, const float *played)
{
	float *out = engine->thrown_away.data();
	try {
		return engine->apm->ProcessReverseStream(&played, engine->stream, engine->stream, &out);
	} catch (...) {
		return AudioProcessing::kUnspecifiedError;
	}
}

int engine_captured(engine *engine, float *captured, int delay_ms)
{
	try {
		/* A delay beyond what the library believes is only a warning. */
		engine->apm->set_stream_delay_ms(delay_ms);
		return engine->apm->ProcessStream(&captured, engine->stream, engine->stream, &captured);
	} catch (...) {
		return AudioProcessing::kUnspecifiedError;
	}
}

double engine_voice(const engine *engine)
{
	if (engine->noise)
		return engine->apm->noise_suppression()->speech_probability();
	return engine->apm->voice_detection()->stream_has_voice() ? 1 : 0;
}

int engine_reset(engine *engine)
{
	try {
		return engine->apm->Initialize();
	} catch (...) {
		return AudioProcessing::kUnspecifiedError;
	}
}
