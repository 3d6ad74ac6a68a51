/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STREAMS_MAX "64"
#define PROBE_BYTES "5000000"
#define ANALYZE_US  "5000000"
#define START_MAX   1000000

/* What a network address may lead to; never to a file of this machine. */
#define NETWORK "http,https,httpproxy,tcp,tls,udp,rtp,srtp,rtsp,rtsps,rtmp,rtmps,rtmpt,rtmpts,srt,crypto,data"

/* They read other files or addresses that the file names, which is not for a file to decide. */
static const char *const leading_away[] = {
	"hls", "dash", "concat", "imf", "sdp", "rtsp", "rtp", "sap", "webm_dash_manifest", "lavfi", "ffmetadata", NULL
};

static const char *const paces[] = { "clock", "none", NULL };

const struct qv_option libav_options[] = {
	{ .name = "path", .type = QV_OPTION_PATH, .help = "A local file of any kind that FFmpeg reads." },
	{ .name = "url",
	  .type = QV_OPTION_STRING,
	  .help = "In place of path, a stream on a network: http, https, rtsp, rtp, rtmp, srt, tcp, udp." },
	{ .name = "format",
	  .type = QV_OPTION_STRING,
	  .help = "FFmpeg's name of the file format; unset: it is recognised." },
	{ .name = "stream",
	  .type = QV_OPTION_INT,
	  .min = 0,
	  .max = 63,
	  .help = "Number of the stream in the file; unset takes the one that FFmpeg finds best." },
	{ .name = "start",
	  .type = QV_OPTION_FLOAT,
	  .fallback = "0.0",
	  .min = 0,
	  .max = START_MAX,
	  .unit = "s",
	  .help = "Begins that far into the file, also when looping." },
	{ .name = "loop",
	  .type = QV_OPTION_BOOL,
	  .fallback = "false",
	  .help = "Starts again at the end instead of ending." },
	{ .name = "pace",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "clock",
	  .choices = paces,
	  .help = "clock delivers by the times in the file, none as fast as it is read." },
	{ .name = NULL },
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

/* What is wrong comes back as errors; a file must not fill the terminal. */
static void library_start(void)
{
	av_log_set_level(AV_LOG_QUIET);
	avformat_network_init();
}

int libav_fail(struct qv_error *err, enum qv_code code, int status, const char *format, ...)
{
	char what[512], why[AV_ERROR_MAX_STRING_SIZE] = "";
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	av_strerror(status, why, sizeof why);
	return qv_fail(err, code, "%s: %s", what, why);
}

static int copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -1 : 0;
}

int input_choice_read(struct input_choice *choice, const struct qv_options *options, struct qv_error *err)
{
	const char *path = qv_options_string(options, "path"), *url = qv_options_string(options, "url");
	*choice = (struct input_choice){ .start = qv_options_float(options, "start"),
					 .loop = qv_options_bool(options, "loop"),
					 .paced = strcmp(qv_options_string(options, "pace"), "clock") == 0 };
	if (!path == !url)
		return qv_options_fail(options, path ? "url" : "path", err,
				       path ? "only one of path and url can be read"
					    : "one of path and url says what to read");
	if (copy(&choice->path, path) == 0 && copy(&choice->url, url) == 0 &&
	    copy(&choice->format, qv_options_string(options, "format")) == 0)
		return 0;
	input_choice_free(choice);
	return qv_fail(err, QV_E_NOMEM, "no memory for a file name");
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool input_choice_equal(const struct input_choice *a, const struct input_choice *b)
{
	return same(a->path, b->path) && same(a->url, b->url) && same(a->format, b->format) && a->loop == b->loop &&
	       a->paced == b->paced && !(a->start < b->start) && !(a->start > b->start);
}

void input_choice_free(struct input_choice *choice)
{
	free(choice->path);
	free(choice->url);
	free(choice->format);
	*choice = (struct input_choice){ 0 };
}

const char *input_name(const struct input_choice *choice)
{
	return choice->path ? choice->path : choice->url;
}

static bool leads_away(const char *names)
{
	for (size_t i = 0; leading_away[i]; i++)
		for (const char *at = names; at; at = strchr(at, ',')) {
			at += *at == ',';
			size_t length = strcspn(at, ",");
			if (length == strlen(leading_away[i]) && strncmp(at, leading_away[i], length) == 0)
				return true;
		}
	return false;
}

/* All formats but those that lead away. */
static char *allowed_formats(void)
{
	const AVInputFormat *format;
	void *position = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *list = open_memstream(&text, &size);
	while (list && (format = av_demuxer_iterate(&position)))
		if (!leads_away(format->name))
			fprintf(list, "%s%s", ftell(list) > 0 ? "," : "", format->name);
	if (!list || fclose(list) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int limits(const struct input_choice *choice, AVDictionary **settings)
{
	int status = av_dict_set(settings, "max_streams", STREAMS_MAX, 0);
	if (status >= 0)
		status = av_dict_set(settings, "probesize", PROBE_BYTES, 0);
	if (status >= 0)
		status = av_dict_set(settings, "analyzeduration", ANALYZE_US, 0);
	if (status >= 0)
		status = av_dict_set(settings, "protocol_whitelist", choice->path ? "file" : NETWORK, 0);
	if (status < 0 || !choice->path)
		return status;
	char *formats = allowed_formats();
	return formats ? av_dict_set(settings, "format_whitelist", formats, AV_DICT_DONT_STRDUP_VAL) : AVERROR(ENOMEM);
}

static int find_format(const struct input_choice *choice, const struct qv_options *options,
		       const AVInputFormat **format, struct qv_error *err)
{
	*format = choice->format ? av_find_input_format(choice->format) : NULL;
	if (choice->format && (!*format || (choice->path && leads_away((*format)->name))))
		return qv_options_fail(options, "format", err, "FFmpeg here has no file format \"%s\" that may be read",
				       choice->format);
	return 0;
}

/* A FIFO or a device would hold up the open, and is no file. */
static int check_path(const struct input_choice *choice, const struct qv_options *options, struct qv_error *err)
{
	struct stat status;
	if (!choice->path)
		return 0;
	if (stat(choice->path, &status) != 0)
		return qv_options_fail(options, "path", err, "cannot open %s: %m", choice->path);
	if (!S_ISREG(status.st_mode))
		return qv_options_fail(options, "path", err, "%s is not a regular file", choice->path);
	return 0;
}

static AVFormatContext *open_named(const struct input_choice *choice, const AVInputFormat *format,
				   const AVIOInterruptCB *interrupt, AVDictionary **settings, struct qv_error *err)
{
	AVFormatContext *input = avformat_alloc_context();
	char *address = NULL;
	/* With "file:" in front no part of the name is taken for something else. */
	if (!input || asprintf(&address, "%s%s", choice->path ? "file:" : "", input_name(choice)) < 0) {
		avformat_free_context(input);
		qv_fail(err, QV_E_NOMEM, "no memory to read %s", input_name(choice));
		return NULL;
	}
	input->interrupt_callback = *interrupt;
	int status = avformat_open_input(&input, address, format, settings);
	free(address);
	if (status < 0) { /* which has freed it */
		libav_fail(err, status == AVERROR_EXIT ? QV_E_TIMEOUT : QV_E_IO, status, "opening %s",
			   input_name(choice));
		return NULL;
	}
	status = avformat_find_stream_info(input, NULL);
	if (status >= 0)
		return input;
	libav_fail(err, QV_E_IO, status, "looking for the streams of %s", input_name(choice));
	avformat_close_input(&input);
	return NULL;
}

AVFormatContext *input_open(const struct input_choice *choice, const struct qv_options *options,
			    const AVIOInterruptCB *interrupt, struct qv_error *err)
{
	const AVInputFormat *format;
	AVDictionary *settings = NULL;
	AVFormatContext *input = NULL;
	pthread_once(&library_once, library_start);
	if (find_format(choice, options, &format, err) != 0 || check_path(choice, options, err) != 0)
		return NULL;
	if (limits(choice, &settings) < 0)
		qv_fail(err, QV_E_NOMEM, "no memory to read %s", input_name(choice));
	else
		input = open_named(choice, format, interrupt, &settings, err);
	av_dict_free(&settings);
	return input;
}
