/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: reads a file as camera and as microphone at once, each on a thread of its own, and says what came when.
 * usage: play_both FRAMES BLOCKS FOLDER [OPTION=VALUE…]
 * Luma goes to FOLDER/luma, mono sound at 48000 Hz to FOLDER/pcm. With FRAMES or BLOCKS 0 that one is not opened.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/audiosource.h>
#include <qvisio/loader.h>
#include <qvisio/videosource.h>

static struct qv_loader *loader;
static const struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };

struct reading {
	long count;
	const char *const *assignments;
	char path[512];
	struct qv_videosource *pictures;
	struct qv_audiosource *sound;
	struct qv_error err;
};

static const struct qv_class *open_class(const char *kind, struct reading *reading, struct qv_options **options)
{
	const struct qv_class *class = qv_loader_get(loader, kind, "libav", &reading->err);
	*options = class ? qv_options_from_strings(reading->assignments, class->options, class->option_size, "test",
						   &reading->err)
			 : NULL;
	return *options ? class : NULL;
}

static void write_luma(const struct qv_frame *frame, FILE *out)
{
	for (int y = 0; y < frame->format.height; y++)
		fwrite(frame->plane[0] + (size_t)y * (size_t)frame->stride[0], 1, (size_t)frame->format.width, out);
}

static void *read_pictures(void *argument)
{
	struct reading *reading = argument;
	const struct qv_videosource_class *class =
		qv_videosource_class(qv_loader_get(loader, "videosource", "libav", NULL));
	struct qv_frame frame;
	FILE *out = fopen(reading->path, "wb");
	int got = 0;
	for (long i = 0; out && i < reading->count; i++) {
		while ((got = class->read(reading->pictures, &frame, 100, &reading->err)) == 0)
			continue;
		if (got < 0)
			break;
		printf("picture %llu %lld %dx%d\n", (unsigned long long)frame.sequence, (long long)frame.capture_ns,
		       frame.format.width, frame.format.height);
		write_luma(&frame, out);
	}
	if (out)
		fclose(out);
	return NULL;
}

static void *read_sound(void *argument)
{
	struct reading *reading = argument;
	const struct qv_audiosource_class *class =
		qv_audiosource_class(qv_loader_get(loader, "audiosource", "libav", NULL));
	struct qv_audio_block block;
	FILE *out = fopen(reading->path, "wb");
	int got = 0;
	for (long i = 0; out && i < reading->count; i++) {
		while ((got = class->read(reading->sound, &block, 100, &reading->err)) == 0)
			continue;
		if (got < 0)
			break;
		printf("sound %llu %lld %zu\n", (unsigned long long)block.position, (long long)block.capture_ns,
		       block.frames);
		fwrite(block.samples, sizeof *block.samples, block.frames, out);
	}
	if (out)
		fclose(out);
	return NULL;
}

static int open_pictures(struct reading *reading)
{
	struct qv_options *options;
	const struct qv_videosource_class *class = qv_videosource_class(open_class("videosource", reading, &options));
	struct qv_video_want want = { .pixels = QV_PIXELS_PLANAR };
	if (class)
		reading->pictures = class->open(&host, options, &want, &reading->err);
	qv_options_free(options);
	return reading->pictures ? 0 : -1;
}

static int open_sound(struct reading *reading)
{
	struct qv_options *options;
	const struct qv_audiosource_class *class = qv_audiosource_class(open_class("audiosource", reading, &options));
	struct qv_audio_format format = { 48000, 1 };
	if (class)
		reading->sound = class->open(&host, options, &format, 960, &reading->err);
	qv_options_free(options);
	return reading->sound ? 0 : -1;
}

static void tell(const char *what, const struct qv_error *err)
{
	if (err->code != QV_OK)
		printf("%s: %s: %s\n", what, qv_code_name(err->code), err->message);
}

int main(int argc, char **argv)
{
	struct reading pictures = { .err = QV_ERROR_INIT }, sound = { .err = QV_ERROR_INIT };
	pthread_t threads[2];
	if (argc < 4 || !(loader = qv_loader_new(NULL, NULL, NULL)))
		return 2;
	pictures.count = strtol(argv[1], NULL, 10);
	sound.count = strtol(argv[2], NULL, 10);
	pictures.assignments = sound.assignments = (const char *const *)argv + 4;
	snprintf(pictures.path, sizeof pictures.path, "%s/luma", argv[3]);
	snprintf(sound.path, sizeof sound.path, "%s/pcm", argv[3]);
	bool plays[2] = { pictures.count > 0 && open_pictures(&pictures) == 0,
			  sound.count > 0 && open_sound(&sound) == 0 };
	if (plays[0])
		pthread_create(&threads[0], NULL, read_pictures, &pictures);
	if (plays[1])
		pthread_create(&threads[1], NULL, read_sound, &sound);
	for (int i = 0; i < 2; i++)
		if (plays[i])
			pthread_join(threads[i], NULL);
	if (plays[0])
		qv_videosource_class(qv_loader_get(loader, "videosource", "libav", NULL))->close(pictures.pictures);
	if (plays[1])
		qv_audiosource_class(qv_loader_get(loader, "audiosource", "libav", NULL))->close(sound.sound);
	qv_loader_free(loader);
	tell("pictures", &pictures.err);
	tell("sound", &sound.err);
	return 0;
}
