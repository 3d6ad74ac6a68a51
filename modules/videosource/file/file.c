/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <qvisio/videosource.h>

#include "../common/pacer.h"
#include "jpeg_stream.h"
#include "y4m.h"

#define DEFAULT_FPS          30
#define DAMAGED_IN_A_ROW_MAX 100

struct qv_videosource {
	const struct qv_host *host;
	char *path;
	FILE *file;
	struct qv_video_format format;
	struct qv_picture *picture; /* Y4M */
	struct jpeg_stream jpeg;
	long long first;        /* offset of the first picture of a Y4M file */
	uint64_t position;      /* pictures passed since the start, damaged ones included */
	uint64_t pass_pictures; /* good pictures since the last beginning of the file */
	bool loop, paced;
	struct pacer pacer;
};

static const char *const paces[] = { "clock", "none", NULL };

static const struct qv_option options_table[] = {
	{ .name = "path",
	  .type = QV_OPTION_PATH,
	  .required = true,
	  .help = "A Y4M file (8 bits, progressive), or JPEG images one after another." },
	{ .name = "loop",
	  .type = QV_OPTION_BOOL,
	  .fallback = "false",
	  .help = "Starts again at the end instead of ending." },
	{ .name = "fps",
	  .type = QV_OPTION_FLOAT,
	  .min = 0.1,
	  .max = 1000,
	  .unit = "frames/s",
	  .help = "Frames a second; unset takes the rate that the file gives, or 30 where it gives none." },
	{ .name = "pace",
	  .type = QV_OPTION_CHOICE,
	  .fallback = "clock",
	  .choices = paces,
	  .help = "clock delivers at the frame rate and leaves out what is late, none as fast as it is read." },
	{ .name = NULL },
};

static bool is_jpeg(const struct qv_videosource *source)
{
	return source->format.pixel == QV_PIXEL_JPEG;
}

static void file_close(struct qv_videosource *source)
{
	if (!source)
		return;
	jpeg_stream_free(&source->jpeg);
	qv_picture_free(source->picture);
	if (source->file)
		fclose(source->file);
	free(source->path);
	free(source);
}

/* NTSC's rates are multiples of 1000/1001, which no decimal says exactly. */
static void fraction_of(double fps, struct qv_video_format *format)
{
	double ntsc = fps * 1.001;
	bool is_ntsc = fabs(ntsc - round(ntsc)) < 0.001 && fabs(fps - round(fps)) > 0.001;
	format->fps_num = (int)round(is_ntsc ? round(ntsc) * 1000 : fps * 1000);
	format->fps_den = is_ntsc ? 1001 : 1000;
	if (format->fps_num % 1000 == 0 && !is_ntsc) {
		format->fps_num /= 1000;
		format->fps_den = 1;
	}
}

static FILE *open_regular(const struct qv_options *options, const char *path, struct qv_error *err)
{
	struct stat status;
	/* O_NONBLOCK: a FIFO must not hold up the open before it is refused. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) != 0) {
		qv_options_fail(options, "path", err, "cannot open %s: %s", path, strerror(errno));
	} else if (!S_ISREG(status.st_mode)) {
		qv_options_fail(options, "path", err, "%s is not a regular file", path);
	} else {
		FILE *file = fdopen(fd, "rb");
		if (file)
			return file;
		qv_fail(err, QV_E_NOMEM, "no memory to read %s", path);
	}
	if (fd >= 0)
		close(fd);
	return NULL;
}

static int next_jpeg(struct qv_videosource *source, struct jpeg_image *image, struct qv_error *err)
{
	for (int damaged = 0; damaged < DAMAGED_IN_A_ROW_MAX; damaged++) {
		struct qv_error why = QV_ERROR_INIT;
		int got = jpeg_stream_next(&source->jpeg, image, &why);
		if (got < 0) {
			if (err)
				*err = why;
			return -1;
		}
		bool fits = got > 0 && (source->format.width == 0 || (image->width == source->format.width &&
								      image->height == source->format.height));
		if (fits)
			return 0;
		if (got > 0)
			qv_fail(&why, QV_E_IO, "byte %lld: a JPEG image of %dx%d in a stream of %dx%d", image->offset,
				image->width, image->height, source->format.width, source->format.height);
		qv_log_warning(source->host->log, "%s: %s; left out", source->path, why.message);
		source->position++;
	}
	return qv_fail(err, QV_E_IO, "byte %lld: %d damaged JPEG images in a row",
		       source->jpeg.offset + (long long)source->jpeg.used, DAMAGED_IN_A_ROW_MAX);
}

static int begin_jpeg(struct qv_videosource *source, struct qv_error *err)
{
	struct jpeg_image image;
	source->format = (struct qv_video_format){ .pixel = QV_PIXEL_JPEG, .range = QV_RANGE_FULL, .fps_den = 1 };
	source->jpeg.file = source->file;
	if (next_jpeg(source, &image, err) != 0) {
		if (err && err->code == QV_E_END)
			qv_fail(err, QV_E_IO, "no JPEG image that can be read");
		return -1;
	}
	source->format.width = image.width;
	source->format.height = image.height;
	source->position = 0;
	return jpeg_stream_rewind(&source->jpeg, err);
}

static int begin_y4m(struct qv_videosource *source, struct qv_error *err)
{
	if (y4m_read_header(source->file, &source->format, err) != 0)
		return -1;
	source->first = ftello(source->file);
	source->picture = qv_picture_new(&source->format, err);
	return source->picture ? 0 : -1;
}

/* Tells the kinds of file apart by their first bytes. */
static int begin(struct qv_videosource *source, struct qv_error *err)
{
	int first = getc(source->file);
	if (first == EOF)
		return qv_fail(err, QV_E_IO, "the file is empty");
	rewind(source->file);
	if (first == 0xff)
		return begin_jpeg(source, err);
	if (first == 'Y')
		return begin_y4m(source, err);
	return qv_fail(
		err, QV_E_UNSUPPORTED,
		"neither a Y4M file nor JPEG images (ffmpeg -i FILE -pix_fmt yuv420p OUT.y4m converts many kinds)");
}

static int check_wanted(const struct qv_videosource *source, const struct qv_options *options,
			const struct qv_video_want *want, struct qv_error *err)
{
	if (want->pixels & QV_PIXEL_BIT(source->format.pixel))
		return 0;
	if (is_jpeg(source))
		return qv_options_fail(options, "path", err,
				       "%s holds JPEG images, which only the video codec mjpeg takes", source->path);
	return qv_options_fail(options, "path", err, "%s holds %s, which the video codec does not take", source->path,
			       qv_pixel_name(source->format.pixel));
}

static struct qv_videosource *file_open(const struct qv_host *host, const struct qv_options *options,
					const struct qv_video_want *want, struct qv_error *err)
{
	const char *path = qv_options_string(options, "path");
	struct qv_videosource *source = calloc(1, sizeof *source);
	if (!source || !(source->path = strdup(path))) {
		free(source);
		qv_fail(err, QV_E_NOMEM, "no memory to read %s", path);
		return NULL;
	}
	source->host = host;
	source->loop = qv_options_bool(options, "loop");
	source->paced = strcmp(qv_options_string(options, "pace"), "clock") == 0;
	source->file = open_regular(options, path, err);
	if (!source->file)
		goto fail;
	if (begin(source, err) != 0) {
		qv_error_prefix(err, "%s", path);
		goto fail;
	}
	if (check_wanted(source, options, want, err) != 0)
		goto fail;
	if (qv_options_has(options, "fps"))
		fraction_of(qv_options_float(options, "fps"), &source->format);
	else if (source->format.fps_num == 0)
		source->format.fps_num = DEFAULT_FPS;
	pacer_init(&source->pacer, host, source->format.fps_num, source->format.fps_den);
	return source;
fail:
	file_close(source);
	return NULL;
}

static void file_format(const struct qv_videosource *source, struct qv_video_format *format)
{
	*format = source->format;
}

static int start_again(struct qv_videosource *source, struct qv_error *err)
{
	if (source->pass_pictures == 0)
		return qv_fail(err, QV_E_IO, "the file holds no picture to repeat");
	source->pass_pictures = 0;
	if (is_jpeg(source))
		return jpeg_stream_rewind(&source->jpeg, err);
	if (fseeko(source->file, source->first, SEEK_SET) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "going back to the beginning");
	return 0;
}

static int next_in_file(struct qv_videosource *source, bool keep, struct jpeg_image *image, struct qv_error *err)
{
	if (is_jpeg(source))
		return next_jpeg(source, image, err);
	return y4m_read_picture(source->file, &source->format, keep ? source->picture : NULL, err);
}

/* The next picture, or with `keep` false a step over it. */
static int next_picture(struct qv_videosource *source, bool keep, struct jpeg_image *image, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	int result = next_in_file(source, keep, image, &why);
	if (result != 0 && why.code == QV_E_END && source->loop) {
		result = start_again(source, &why);
		if (result == 0)
			result = next_in_file(source, keep, image, &why);
	}
	if (result != 0) {
		if (err)
			*err = why;
		return qv_error_prefix(err, "%s", source->path);
	}
	source->pass_pictures++;
	source->position++;
	return 0;
}

static int wait_for_instant(struct qv_videosource *source, int timeout_ms, uint64_t *due, int64_t *capture_ns,
			    struct qv_error *err)
{
	if (source->paced)
		return pacer_wait(&source->pacer, timeout_ms, due, capture_ns, err);
	*due = source->position;
	*capture_ns = qv_clock_now(source->host->clock);
	return qv_clock_sleep_until(0, source->host->cancel_fd, err) == 0 ? 1 : -1;
}

static int file_read(struct qv_videosource *source, struct qv_frame *frame, int timeout_ms, struct qv_error *err)
{
	struct jpeg_image image;
	uint64_t due;
	int64_t capture_ns;
	int ready = wait_for_instant(source, timeout_ms, &due, &capture_ns, err);
	if (ready <= 0)
		return ready;
	while (source->position < due)
		if (next_picture(source, false, &image, err) != 0)
			return -1;
	if (next_picture(source, true, &image, err) != 0)
		return -1;
	if (is_jpeg(source))
		*frame = (struct qv_frame){ .format = source->format, .plane = { image.data }, .size = { image.size } };
	else
		*frame = qv_picture_frame(source->picture);
	frame->format = source->format;
	frame->capture_ns = capture_ns;
	frame->sequence = source->position - 1;
	return 1;
}

static const struct qv_videosource_class class = {
	.head = {
		.kind = "videosource",
		.name = "file",
		.summary = "pictures of a Y4M file or of JPEG images one after another",
		.abi_major = QV_VIDEOSOURCE_ABI_MAJOR,
		.abi_minor = QV_VIDEOSOURCE_ABI_MINOR,
		.size = sizeof(struct qv_videosource_class),
		.option_size = sizeof(struct qv_option),
		.options = options_table,
	},
	.open = file_open,
	.close = file_close,
	.format = file_format,
	.read = file_read,
};

static const struct qv_class *const classes[] = { &class.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "0.1.0",
	.license = "Apache-2.0",
	.classes = classes,
};
