/* SPDX-License-Identifier: Apache-2.0 */
/* The video sinks file and null; what file writes is read by ffmpeg. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <qvisio/videosink.h>

#include "../../../tests/harness/media_test.h"

struct fixture {
	char *folder;
	FILE *log_file;
	struct qv_log *log;
	struct qv_host host;
	const struct qv_videosink_class *class;
	struct qv_options *options;
	struct qv_videosink *sink;
};

static struct fixture start(const char *module)
{
	struct fixture f = { .folder = media_folder() };
	f.class = qv_videosink_class(media_class("videosink", module));
	f.log_file = tmpfile();
	assert_non_null(f.log_file);
	f.log = qv_log_new("sink", QV_LOG_DEBUG, QV_LOG_TEXT, fileno(f.log_file));
	f.host = media_host;
	f.host.log = f.log;
	return f;
}

/* Opens with options in which each %s stands for the folder. NULL `err`: must succeed. */
static void open_with(struct fixture *f, struct qv_error *err, const char *const *patterns)
{
	char *assignments[8] = { NULL };
	for (int i = 0; i < 7 && patterns[i]; i++) {
		const char *mark = strstr(patterns[i], "%s");
		int before = (int)(mark ? mark - patterns[i] : (ptrdiff_t)strlen(patterns[i]));
		assert_true(asprintf(&assignments[i], "%.*s%s%s", before, patterns[i], mark ? f->folder : "",
				     mark ? mark + 2 : "") > 0);
	}
	f->options = media_options(&f->class->head, (const char *const *)assignments);
	struct qv_error why = QV_ERROR_INIT;
	f->sink = f->class->open(&f->host, f->options, "test", err ? err : &why);
	if (!err && !f->sink)
		fail_msg("%s", why.message);
	for (int i = 0; i < 8; i++)
		free(assignments[i]);
}

static void close_sink(struct fixture *f)
{
	f->class->close(f->sink);
	f->sink = NULL;
}

static void finish(struct fixture *f)
{
	close_sink(f);
	qv_options_free(f->options);
	qv_log_free(f->log);
	fclose(f->log_file);
	media_folder_remove(f->folder);
}

static char *path_in(const struct fixture *f, const char *name)
{
	static char path[512];
	snprintf(path, sizeof path, "%s/%s", f->folder, name);
	return path;
}

static bool logged(const struct fixture *f, const char *text)
{
	static char all[65536];
	ssize_t size = pread(fileno(f->log_file), all, sizeof all - 1, 0);
	all[size > 0 ? size : 0] = '\0';
	return strstr(all, text) != NULL;
}

static void show(struct fixture *f, const struct qv_frame *frame)
{
	struct qv_error err = QV_ERROR_INIT;
	if (f->class->show(f->sink, frame, &err) != 0)
		fail_msg("%s", err.message);
}

static void show_pattern(struct fixture *f, enum qv_pixel pixel, int width, int height, int count, int64_t interval_ns)
{
	for (int i = 0; i < count; i++) {
		struct qv_picture *picture = media_pattern(pixel, width, height, (unsigned)i);
		struct qv_frame frame = qv_picture_frame(picture);
		frame.capture_ns = 77 + i * interval_ns;
		show(f, &frame);
		qv_picture_free(picture);
	}
}

static void need(const char *program)
{
	if (media_run("command -v %s >/dev/null", program) != 0) {
		print_message("# no program %s\n", program);
		skip();
	}
}

static void probe(const struct fixture *f, const char *name, const char *expected)
{
	size_t size;
	assert_int_equal(media_run("ffprobe -v error -count_frames -select_streams v -show_entries "
				   "stream=width,height,pix_fmt,color_range,r_frame_rate,nb_read_frames -of csv=p=0 "
				   "'%s/%s' >'%s/probe'",
				   f->folder, name, f->folder),
			 0);
	char *text = (char *)media_read_file(path_in(f, "probe"), &size);
	assert_non_null(text);
	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, expected);
	free(text);
}

#define FRAME_NS (QV_NS_PER_SECOND / 30)

static void y4m_is_what_was_shown(void **state)
{
	(void)state;
	need("ffmpeg");
	static const struct {
		enum qv_pixel pixel;
		int width, height;
		const char *probe;
	} cases[] = {
		{ QV_PIXEL_I420, 320, 240, "320,240,yuv420p,pc,30/1,4" },
		{ QV_PIXEL_I420, 35, 27, "35,27,yuv420p,pc,30/1,4" },
		{ QV_PIXEL_I422, 161, 60, "161,60,yuv422p,pc,30/1,4" },
		{ QV_PIXEL_I444, 50, 50, "50,50,yuv444p,pc,30/1,4" },
		{ QV_PIXEL_GRAY, 61, 31, "61,31,gray,pc,30/1,4" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f = start("file");
		open_with(&f, NULL, (const char *const[]){ "path=%s/out.y4m", NULL });
		show_pattern(&f, cases[i].pixel, cases[i].width, cases[i].height, 4, FRAME_NS);
		close_sink(&f);
		probe(&f, "out.y4m", cases[i].probe);
		assert_int_equal(
			media_run("ffmpeg -v error -y -i '%s/out.y4m' -f rawvideo '%s/raw'", f.folder, f.folder), 0);
		size_t size;
		uint8_t *raw = media_read_file(path_in(&f, "raw"), &size);
		assert_non_null(raw);
		for (unsigned n = 0; n < 4; n++) {
			struct qv_picture *picture = media_pattern(cases[i].pixel, cases[i].width, cases[i].height, n);
			struct qv_frame shown = qv_picture_frame(picture);
			struct qv_frame read = media_raw_frame(raw + n * (size / 4), size / 4, cases[i].pixel,
							       cases[i].width, cases[i].height);
			assert_true(media_psnr(&shown, &read) == 99);
			qv_picture_free(picture);
		}
		free(raw);
		finish(&f);
	}
}

static void limited_range_is_said(void **state)
{
	(void)state;
	need("ffprobe");
	struct fixture f = start("file");
	open_with(&f, NULL, (const char *const[]){ "path=%s/out.y4m", NULL });
	struct qv_picture *picture = media_pattern(QV_PIXEL_I420, 64, 48, 0);
	struct qv_frame frame = qv_picture_frame(picture);
	frame.format.range = QV_RANGE_LIMITED;
	show(&f, &frame);
	close_sink(&f);
	probe(&f, "out.y4m", "64,48,yuv420p,tv,30/1,1");
	qv_picture_free(picture);
	finish(&f);
}

static void rate_is_set_or_measured(void **state)
{
	(void)state;
	need("ffprobe");
	static const struct {
		const char *option;
		int64_t interval_ns;
		const char *probe;
	} cases[] = {
		{ NULL, FRAME_NS + 100000, "64,48,yuv420p,pc,30/1,5" }, /* jitter */
		{ NULL, 2 * FRAME_NS, "64,48,yuv420p,pc,15/1,5" },      /* every other frame was lost */
		{ NULL, 0, "64,48,yuv420p,pc,30/1,5" },                 /* no times */
		{ "rate=30000/1001", 2 * FRAME_NS, "64,48,yuv420p,pc,30000/1001,5" },
		{ "rate=10", 2 * FRAME_NS, "64,48,yuv420p,pc,10/1,5" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f = start("file");
		open_with(&f, NULL, (const char *const[]){ "path=%s/out.y4m", cases[i].option, NULL });
		show_pattern(&f, QV_PIXEL_I420, 64, 48, 5, cases[i].interval_ns);
		close_sink(&f);
		probe(&f, "out.y4m", cases[i].probe);
		finish(&f);
	}
}

static void a_change_of_format_starts_a_new_part(void **state)
{
	(void)state;
	need("ffprobe");
	struct fixture f = start("file");
	open_with(&f, NULL, (const char *const[]){ "path=%s/out.y4m", "snapshot=%s/last.png", NULL });
	show_pattern(&f, QV_PIXEL_I420, 64, 48, 2, FRAME_NS);
	show_pattern(&f, QV_PIXEL_I422, 64, 48, 3, FRAME_NS);
	show_pattern(&f, QV_PIXEL_I422, 32, 48, 4, FRAME_NS);
	close_sink(&f);
	probe(&f, "out.y4m", "64,48,yuv420p,pc,30/1,2");
	probe(&f, "out-2.y4m", "64,48,yuv422p,pc,30/1,3");
	probe(&f, "out-3.y4m", "32,48,yuv422p,pc,30/1,4");
	assert_true(logged(&f, "the stream changed to i422 32x48: going on in "));
	assert_int_equal(access(path_in(&f, "last.png"), R_OK), 0);
	finish(&f);
}

static void parts_are_bounded(void **state)
{
	(void)state;
	struct fixture f = start("file");
	open_with(&f, NULL, (const char *const[]){ "path=%s/out.y4m", NULL });
	struct qv_picture *picture[2] = { media_pattern(QV_PIXEL_GRAY, 2, 2, 0),
					  media_pattern(QV_PIXEL_GRAY, 4, 2, 0) };
	/* Whoever else shows the stream goes on, so no error ends it. */
	for (int i = 0; i < 300; i++) {
		struct qv_frame frame = qv_picture_frame(picture[i % 2]);
		assert_int_equal(f.class->show(f.sink, &frame, NULL), 0);
	}
	assert_true(logged(&f, "recording stopped, as the stream changed its format 100 times"));
	assert_int_equal(access(path_in(&f, "out-100.y4m"), R_OK), 0);
	assert_int_not_equal(access(path_in(&f, "out-101.y4m"), R_OK), 0);
	qv_picture_free(picture[0]);
	qv_picture_free(picture[1]);
	finish(&f);
}

static off_t size_of(const struct fixture *f, const char *name)
{
	struct stat status;
	return stat(path_in(f, name), &status) == 0 ? status.st_size : -1;
}

#define HEADER 88
#define FRAME  (6 + 64 * 48 * 3 / 2)

static void limits_stop_recording_and_not_the_call(void **state)
{
	(void)state;
	struct fixture f = start("file");
	open_with(&f, NULL, (const char *const[]){ "path=%s/out.y4m", "max_frames=3", NULL });
	show_pattern(&f, QV_PIXEL_I420, 64, 48, 10, FRAME_NS);
	assert_int_equal(size_of(&f, "out.y4m"), HEADER + 3 * FRAME);
	assert_true(logged(&f, "recording stopped after 3 frames and "));
	finish(&f);

	f = start("file");
	open_with(&f, NULL, (const char *const[]){ "path=%s/out.y4m", "max_bytes=20000", NULL });
	show_pattern(&f, QV_PIXEL_I420, 64, 48, 10, FRAME_NS);
	show_pattern(&f, QV_PIXEL_I420, 32, 48, 10, FRAME_NS);
	assert_int_equal(size_of(&f, "out.y4m"), HEADER + (20000 - HEADER) / FRAME * FRAME);
	assert_int_equal(size_of(&f, "out-2.y4m"), -1);
	assert_true(logged(&f, "(option max_bytes)"));
	finish(&f);
}

static void a_full_disk_is_an_error_and_leaves_whole_frames(void **state)
{
	(void)state;
	struct fixture f = start("file");
	struct qv_picture *picture = media_pattern(QV_PIXEL_I420, 64, 48, 0);
	struct qv_frame frame = qv_picture_frame(picture);
	struct qv_error err = QV_ERROR_INIT;
	open_with(&f, NULL, (const char *const[]){ "path=/dev/full", NULL });
	assert_int_equal(f.class->show(f.sink, &frame, &err), -1);
	assert_int_equal(err.code, QV_E_IO);
	assert_string_equal(err.message, "cannot write /dev/full: No space left on device");
	finish(&f);

	f = start("file");
	open_with(&f, NULL, (const char *const[]){ "path=%s/out.y4m", NULL });
	struct rlimit before, limit;
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = HEADER + 2 * FRAME + 100;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	int results[3];
	for (int i = 0; i < 3; i++)
		results[i] = f.class->show(f.sink, &frame, &err);
	setrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, handler);
	assert_int_equal(results[0], 0);
	assert_int_equal(results[1], 0);
	assert_int_equal(results[2], -1);
	assert_non_null(strstr(err.message, "cannot write frame 2 to "));
	assert_non_null(strstr(err.message, "File too large"));
	assert_int_equal(size_of(&f, "out.y4m"), HEADER + 2 * FRAME);
	qv_picture_free(picture);
	finish(&f);
}

/* dB between the snapshot and ffmpeg's own conversion of the same samples, read as `range`. */
static double snapshot_psnr(const struct fixture *f, const struct qv_frame *frame, const char *pixels,
			    const char *range)
{
	char *raw = strdup(path_in(f, "raw"));
	FILE *out = fopen(raw, "wb");
	assert_non_null(out);
	for (int i = 0; i < qv_pixel_planes(frame->format.pixel); i++) {
		int width, height;
		qv_plane_dimensions(&frame->format, i, &width, &height);
		for (int y = 0; y < height; y++)
			fwrite(frame->plane[i] + y * frame->stride[i], 1, (size_t)width, out);
	}
	fclose(out);
	assert_int_equal(media_run("ffmpeg -v error -y -f rawvideo -pix_fmt %s -s %dx%d -i '%s' -vf "
				   "'scale=in_range=%s:in_color_matrix=bt601:in_h_chr_pos=128:in_v_chr_pos=%d:flags="
				   "bilinear+accurate_rnd+full_chroma_int+full_chroma_inp' "
				   "-pix_fmt gbrp -f rawvideo '%s/theirs'",
				   pixels, frame->format.width, frame->format.height, raw, range,
				   frame->format.pixel == QV_PIXEL_I420 ? 128 : 0, f->folder),
			 0);
	assert_int_equal(media_run("ffmpeg -v error -y -i '%s/last.png' -pix_fmt gbrp -f rawvideo '%s/ours'", f->folder,
				   f->folder),
			 0);
	size_t size;
	uint8_t *theirs = media_read_file(path_in(f, "theirs"), &size),
		*ours = media_read_file(path_in(f, "ours"), &size);
	assert_non_null(theirs);
	assert_non_null(ours);
	struct qv_frame a = media_raw_frame(theirs, size, QV_PIXEL_I444, frame->format.width, frame->format.height);
	struct qv_frame b = media_raw_frame(ours, size, QV_PIXEL_I444, frame->format.width, frame->format.height);
	double psnr = media_psnr(&a, &b);
	free(theirs);
	free(ours);
	free(raw);
	return psnr;
}

static void the_snapshot_is_the_last_frame(void **state)
{
	(void)state;
	need("ffmpeg");
	static const struct {
		enum qv_pixel pixel;
		enum qv_range range;
		const char *pixels, *right, *wrong;
	} cases[] = {
		{ QV_PIXEL_I420, QV_RANGE_FULL, "yuv420p", "full", "limited" },
		{ QV_PIXEL_I420, QV_RANGE_LIMITED, "yuv420p", "limited", "full" },
		{ QV_PIXEL_I422, QV_RANGE_LIMITED, "yuv422p", "limited", "full" },
		{ QV_PIXEL_I444, QV_RANGE_FULL, "yuv444p", "full", "limited" },
		{ QV_PIXEL_GRAY, QV_RANGE_FULL, "gray", "full", "limited" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f = start("file");
		open_with(&f, NULL, (const char *const[]){ "snapshot=%s/last.png", NULL });
		show_pattern(&f, QV_PIXEL_I420, 100, 60, 2, FRAME_NS);
		struct qv_picture *picture = media_pattern(cases[i].pixel, 321, 181, 9);
		struct qv_frame frame = qv_picture_frame(picture);
		frame.format.range = cases[i].range;
		show(&f, &frame);
		assert_int_equal(size_of(&f, "last.png"), -1);
		close_sink(&f);
		double right = snapshot_psnr(&f, &frame, cases[i].pixels, cases[i].right);
		double wrong = snapshot_psnr(&f, &frame, cases[i].pixels, cases[i].wrong);
		if (right < (cases[i].pixel == QV_PIXEL_I444 ? 39 : 48) || wrong > 31)
			fail_msg("%s: %.1f dB, and %.1f dB in the wrong range", cases[i].pixels, right, wrong);
		qv_picture_free(picture);
		finish(&f);
	}
}

static int files_in(const struct fixture *f)
{
	int count = 0;
	DIR *folder = opendir(f->folder);
	assert_non_null(folder);
	for (struct dirent *entry; (entry = readdir(folder));)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

static void a_snapshot_that_fails_leaves_nothing_behind(void **state)
{
	(void)state;
	struct fixture f = start("file");
	open_with(&f, NULL, (const char *const[]){ "snapshot=%s/last.png", NULL });
	assert_int_equal(mkdir(path_in(&f, "last.png"), 0700), 0); /* rename cannot replace a folder */
	show_pattern(&f, QV_PIXEL_I420, 16, 16, 1, 0);
	close_sink(&f);
	assert_true(logged(&f, "snapshot: cannot rename "));
	assert_int_equal(files_in(&f), 1);
	finish(&f);

	f = start("file");
	open_with(&f, NULL, (const char *const[]){ "snapshot=%s/last.png", NULL });
	close_sink(&f);
	assert_true(logged(&f, "no frame came"));
	assert_int_equal(files_in(&f), 0);
	finish(&f);
}

static void wrong_options_are_explained(void **state)
{
	(void)state;
	static const struct {
		const char *options[3];
		const char *message;
	} cases[] = {
		{ { NULL },
		  "set path (a Y4M file), snapshot (a PNG file) or both; to keep nothing, use module = \"null\"" },
		{ { "path=%s/none/out.y4m" }, "/none/out.y4m: No such file or directory" },
		{ { "snapshot=%s/none/last.png" }, "/none/: No such file or directory" },
		{ { "path=%s/fifo" }, "/fifo: No such device or address" },
		{ { "path=%s/a", "rate=fast" }, "\"fast\" is no frame rate up to 1000; write it as 25 or 30000/1001" },
		{ { "path=%s/a", "rate=30/0" }, "\"30/0\" is no frame rate" },
		{ { "path=%s/a", "rate=30x" }, "\"30x\" is no frame rate" },
		{ { "path=%s/a", "rate=100000" }, "\"100000\" is no frame rate" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f = start("file");
		struct qv_error err = QV_ERROR_INIT;
		assert_int_equal(mkfifo(path_in(&f, "fifo"), 0600), 0);
		open_with(&f, &err, cases[i].options);
		assert_null(f.sink);
		assert_int_equal(err.code, QV_E_CONFIG);
		if (!strstr(err.message, cases[i].message))
			fail_msg("case %zu: %s", i, err.message);
		finish(&f);
	}
}

static void unusable_frames_are_refused(void **state)
{
	(void)state;
	static const char *const modules[] = { "file", "null" };
	for (int i = 0; i < 2; i++) {
		struct fixture f = start(modules[i]);
		open_with(&f, NULL, (const char *const[]){ i ? NULL : "path=%s/out.y4m", NULL });
		struct qv_picture *picture = media_pattern(QV_PIXEL_I420, 64, 48, 0);
		struct qv_frame frame = qv_picture_frame(picture);
		struct qv_error err = QV_ERROR_INIT;
		frame.stride[2] = 3;
		assert_int_equal(f.class->show(f.sink, &frame, &err), -1);
		assert_int_equal(err.code, QV_E_INVALID);
		frame = qv_picture_frame(picture);
		frame.format.pixel = QV_PIXEL_JPEG;
		assert_int_equal(f.class->show(f.sink, &frame, &err), -1);
		assert_non_null(strstr(err.message, "a jpeg frame came, where sinks take planar ones"));
		qv_picture_free(picture);
		finish(&f);
	}
}

static void null_counts(void **state)
{
	(void)state;
	struct fixture f = start("null");
	open_with(&f, NULL, (const char *const[]){ NULL });
	show_pattern(&f, QV_PIXEL_I420, 64, 48, 3, FRAME_NS);
	show_pattern(&f, QV_PIXEL_GRAY, 32, 16, 4, FRAME_NS);
	close_sink(&f);
	assert_true(logged(&f, "7 frames, the last of gray 32x16, 1 changes of format"));
	finish(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(y4m_is_what_was_shown),
		cmocka_unit_test(limited_range_is_said),
		cmocka_unit_test(rate_is_set_or_measured),
		cmocka_unit_test(a_change_of_format_starts_a_new_part),
		cmocka_unit_test(parts_are_bounded),
		cmocka_unit_test(limits_stop_recording_and_not_the_call),
		cmocka_unit_test(a_full_disk_is_an_error_and_leaves_whole_frames),
		cmocka_unit_test(the_snapshot_is_the_last_frame),
		cmocka_unit_test(a_snapshot_that_fails_leaves_nothing_behind),
		cmocka_unit_test(wrong_options_are_explained),
		cmocka_unit_test(unusable_frames_are_refused),
		cmocka_unit_test(null_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
