/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"

#include <math.h>

#include "../../../core/picture_scale.h"
#include "../../../modules/videosource/testpattern/pattern.h"

#define BANDS 15 /* as the grid of the stamp has rows */
#define BLOCK 8  /* px; of the SSIM */

struct luma {
	const uint8_t *at;
	int stride;
};

void judge_close(struct judge *judge)
{
	qv_picture_free(judge->pattern);
	qv_picture_free(judge->scaled);
	judge->pattern = judge->scaled = NULL;
}

static double psnr_of(double square, double count)
{
	return square > 0 ? 10 * log10(255.0 * 255 * count / square) : 99;
}

static double square_of_rows(struct luma a, struct luma b, int width, int top, int bottom)
{
	double sum = 0;
	for (int y = top; y < bottom; y++) {
		const uint8_t *p = a.at + (size_t)y * (size_t)a.stride, *q = b.at + (size_t)y * (size_t)b.stride;
		unsigned row = 0;
		for (int x = 0; x < width; x++) {
			int difference = p[x] - q[x];
			row += (unsigned)(difference * difference);
		}
		sum += row;
	}
	return sum;
}

/* Wang, Bovik, Sheikh, Simoncelli 2004, with blocks in place of a sliding window. */
static double ssim_of_block(struct luma a, struct luma b, int left, int top)
{
	static const double c1 = 0.01 * 255 * 0.01 * 255, c2 = 0.03 * 255 * 0.03 * 255;
	int sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
	for (int y = top; y < top + BLOCK; y++)
		for (int x = left; x < left + BLOCK; x++) {
			int p = a.at[(size_t)y * (size_t)a.stride + (size_t)x];
			int q = b.at[(size_t)y * (size_t)b.stride + (size_t)x];
			sa += p, sb += q, saa += p * p, sbb += q * q, sab += p * q;
		}
	double n = BLOCK * BLOCK, ma = sa / n, mb = sb / n;
	double va = saa / n - ma * ma, vb = sbb / n - mb * mb, cov = sab / n - ma * mb;
	return (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
}

static double ssim(struct luma a, struct luma b, int width, int height)
{
	double sum = 0;
	int blocks = 0;
	for (int y = 0; y + BLOCK <= height; y += BLOCK)
		for (int x = 0; x + BLOCK <= width; x += BLOCK, blocks++)
			sum += ssim_of_block(a, b, x, y);
	return blocks ? sum / blocks : 0;
}

static bool fit_pattern(struct judge *judge, int width, int height)
{
	const struct qv_video_format *have = &judge->format;
	if (judge->pattern && width == have->width && height == have->height)
		return true;
	judge_close(judge);
	judge->format =
		(struct qv_video_format){ .pixel = QV_PIXEL_GRAY, .width = width, .height = height, .fps_den = 1 };
	judge->pattern = qv_picture_new(&judge->format, NULL);
	judge->scaled = qv_picture_new(&judge->format, NULL);
	return judge->pattern && judge->scaled;
}

/* The luma of a frame in the size of the pattern. */
static struct luma luma_of(const struct judge *judge, const struct qv_frame *frame)
{
	struct qv_frame scaled = qv_picture_frame(judge->scaled);
	if (frame->format.width == scaled.format.width && frame->format.height == scaled.format.height)
		return (struct luma){ frame->plane[0], frame->stride[0] };
	struct plane from = { frame->plane[0], frame->stride[0], frame->format.width, frame->format.height };
	struct raster to = { qv_picture_plane(judge->scaled, 0), scaled.stride[0], scaled.format.width,
			     scaled.format.height };
	scale_plane(&from, &to, NULL);
	return (struct luma){ scaled.plane[0], scaled.stride[0] };
}

struct judgement judge_frame(struct judge *judge, const struct qv_frame *frame)
{
	struct judgement it = { .stamped = qv_stamp_read(frame, &it.stamp) };
	int width = judge->width > 0 ? judge->width : frame->format.width;
	int height = judge->height > 0 ? judge->height : frame->format.height;
	if (!it.stamped || !fit_pattern(judge, width, height) ||
	    pattern_paint(judge->pattern, it.stamp.number, it.stamp.capture_ns, NULL) != 0)
		return (struct judgement){ .stamped = false };
	struct qv_frame painted = qv_picture_frame(judge->pattern);
	struct luma a = { painted.plane[0], painted.stride[0] }, b = luma_of(judge, frame);
	double square = 0;
	it.worst = 99;
	for (int i = 0; i < BANDS; i++) {
		int top = i * height / BANDS, bottom = (i + 1) * height / BANDS;
		double part = square_of_rows(a, b, width, top, bottom);
		double psnr = psnr_of(part, (double)width * (bottom - top));
		square += part;
		if (psnr < it.worst)
			it.worst = psnr;
	}
	it.psnr = psnr_of(square, (double)width * height);
	it.ssim = ssim(a, b, width, height);
	return it;
}

void judge_print(FILE *out, int64_t shown_ns, const struct qv_frame *frame, const struct judgement *judgement)
{
	const struct judgement *it = judgement;
	fprintf(out, "%lld %lld %lld %d %d %.2f %.4f %.2f\n", (long long)shown_ns,
		it->stamped ? (long long)it->stamp.number : -1, (long long)it->stamp.capture_ns, frame->format.width,
		frame->format.height, it->psnr, it->ssim, it->worst);
	fflush(out);
}
