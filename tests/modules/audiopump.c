/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audiopump [--rate HZ] [--channels N] [--block SAMPLES] [--frames SAMPLES] [--mark SAMPLES] [--hold MS] SOURCE SINK:
 * copies sound from an audio source module to a sink module, for tests. Both are "name,option=value,…". Prints
 * "started" once a block was written, "marked" once --mark samples were (and then reads nothing for the time of
 * --hold), then how it ended: "end CODE blocks=N frames=N lost=N: message". SIGTERM cancels it through the host.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include "audio_parts.h"

struct pump {
	struct qv_host host;
	struct qv_audio_format format;
	size_t block_frames;
	uint64_t limit, mark; /* samples per channel */
	int64_t hold_ns;
	uint64_t blocks, frames, lost, next;
};

static struct pump pump = { .format = { 16000, 1 }, .block_frames = 512, .limit = UINT64_MAX };

static void hold_up(void)
{
	printf("marked\n");
	qv_clock_sleep_until(qv_clock_now(&qv_clock_monotonic) + pump.hold_ns, pump.host.cancel_fd, NULL);
}

static int copy(const struct qv_audiosource_class *in, struct qv_audiosource *source,
		const struct qv_audiosink_class *out, struct qv_audiosink *sink, struct qv_error *err)
{
	while (pump.frames < pump.limit) {
		struct qv_audio_block block;
		int got = in->read(source, &block, 5000, err);
		if (got == 0)
			return qv_fail(err, QV_E_TIMEOUT, "the source gave nothing for 5 s");
		if (got < 0)
			return -1;
		pump.lost += block.position - pump.next;
		pump.next = block.position + block.frames;
		if (block.frames > pump.limit - pump.frames)
			block.frames = (size_t)(pump.limit - pump.frames);
		if (out->write(sink, &block, err) != 0)
			return -1;
		if (pump.blocks++ == 0)
			printf("started\n");
		pump.frames += block.frames;
		if (pump.frames >= pump.mark && pump.frames - block.frames < pump.mark)
			hold_up();
	}
	return qv_fail(err, QV_OK, "as many samples as asked for");
}

static void run(struct part *from, struct part *to, struct qv_error *err)
{
	const struct qv_audiosource_class *in = qv_audiosource_class(from->class);
	const struct qv_audiosink_class *out = qv_audiosink_class(to->class);
	struct qv_audiosource *source = in->open(&pump.host, from->options, &pump.format, pump.block_frames, err);
	struct qv_audio_format format = pump.format;
	if (source && in->format)
		in->format(source, &format);
	struct qv_audiosink *sink = source ? out->open(&pump.host, to->options, &format, err) : NULL;
	if (sink)
		copy(in, source, out, sink, err);
	in->close(source);
	out->close(sink);
}

static unsigned long long number(const char *name, const char *text, unsigned long long max)
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && !*end && !errno && value <= max)
		return value;
	fprintf(stderr, "audiopump: --%s %s: expected a whole number from 0 to %llu\n", name, text, max);
	exit(2);
}

static void read_arguments(int argc, char **argv)
{
	static const struct option names[] = { { "rate", required_argument, NULL, 'r' },
					       { "channels", required_argument, NULL, 'c' },
					       { "block", required_argument, NULL, 'b' },
					       { "frames", required_argument, NULL, 'n' },
					       { "mark", required_argument, NULL, 'm' },
					       { "hold", required_argument, NULL, 'h' },
					       { NULL, 0, NULL, 0 } };
	int option;
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'r':
			pump.format.rate = (int)number("rate", optarg, INT_MAX);
			break;
		case 'c':
			pump.format.channels = (int)number("channels", optarg, INT_MAX);
			break;
		case 'b':
			pump.block_frames = number("block", optarg, SIZE_MAX);
			break;
		case 'n':
			pump.limit = number("frames", optarg, UINT64_MAX);
			break;
		case 'm':
			pump.mark = number("mark", optarg, UINT64_MAX);
			break;
		case 'h':
			pump.hold_ns = (int64_t)number("hold", optarg, INT_MAX) * QV_NS_PER_MS;
			break;
		default:
			exit(2);
		}
	}
	if (argc - optind != 2) {
		fprintf(stderr, "usage: audiopump [OPTION…] SOURCE SINK\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	read_arguments(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigset_t term;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	struct qv_log *log = qv_log_new("pump", QV_LOG_DEBUG, QV_LOG_JOURNAL, 2);
	pump.host =
		(struct qv_host){ sizeof pump.host, log, &qv_clock_monotonic, signalfd(-1, &term, SFD_CLOEXEC), NULL };
	struct qv_error err = QV_ERROR_INIT;
	struct qv_loader *loader = qv_loader_new(NULL, NULL, &err);
	struct part from = { 0 }, to = { 0 };
	if (loader && part_load(&from, loader, "audiosource", argv[optind], &err) == 0 &&
	    part_load(&to, loader, "audiosink", argv[optind + 1], &err) == 0)
		run(&from, &to, &err);
	printf("end %s blocks=%llu frames=%llu lost=%llu: %s\n", qv_code_name(err.code),
	       (unsigned long long)pump.blocks, (unsigned long long)pump.frames, (unsigned long long)pump.lost,
	       err.message);
	part_free(&from);
	part_free(&to);
	qv_loader_free(loader);
	qv_log_free(log);
	return 0;
}
