/* SPDX-License-Identifier: Apache-2.0 */
#include "picture.h"

#include <string.h>

/* A setting of the process, read by SDL when a texture is made, filled and drawn. */
static void set_range(enum qv_range range)
{
	SDL_SetYUVConversionMode(range == QV_RANGE_FULL ? SDL_YUV_CONVERSION_JPEG : SDL_YUV_CONVERSION_BT601);
}

static int make_texture(struct picture *picture, SDL_Renderer *renderer, const struct qv_video_format *format,
			struct qv_error *err)
{
	const struct qv_video_format *had = &picture->format;
	if (picture->texture && had->width == format->width && had->height == format->height &&
	    had->pixel == format->pixel && had->range == format->range)
		return 0;
	picture_free(picture);
	picture->texture = SDL_CreateTexture(renderer, SDL_PIXELFORMAT_IYUV, SDL_TEXTUREACCESS_STREAMING, format->width,
					     format->height);
	if (!picture->texture)
		return qv_fail(err, QV_E_IO, "no texture for a picture of %dx%d: SDL: %s", format->width,
			       format->height, SDL_GetError());
	SDL_SetTextureScaleMode(picture->texture, SDL_ScaleModeLinear);
	picture->format = *format;
	if (format->pixel == QV_PIXEL_I420)
		return 0;
	struct qv_video_format i420 = *format;
	i420.pixel = QV_PIXEL_I420;
	picture->chroma = qv_picture_new(&i420, err); /* starts with chroma of no colour, as gray needs it */
	if (!picture->chroma) {
		picture_free(picture);
		return -1;
	}
	return 0;
}

/* One chroma plane of 4:2:2 or 4:4:4 to 4:2:0, each sample the mean of those it stands for. */
static void halve_chroma(const struct qv_frame *frame, int index, uint8_t *out, int stride)
{
	int width, height, out_width = (frame->format.width + 1) / 2, out_height = (frame->format.height + 1) / 2;
	qv_plane_dimensions(&frame->format, index, &width, &height);
	bool across = width > out_width;
	for (int y = 0; y < out_height; y++) {
		const uint8_t *upper = frame->plane[index] + (size_t)(2 * y) * (size_t)frame->stride[index];
		const uint8_t *lower = 2 * y + 1 < height ? upper + frame->stride[index] : upper;
		for (int x = 0; x < out_width; x++) {
			int left = across ? 2 * x : x;
			int right = across && left + 1 < width ? left + 1 : left;
			int sum = upper[left] + upper[right] + lower[left] + lower[right];
			out[(size_t)y * (size_t)stride + (size_t)x] = (uint8_t)((sum + 2) / 4);
		}
	}
}

int picture_update(struct picture *picture, SDL_Renderer *renderer, const struct qv_frame *frame, struct qv_error *err)
{
	set_range(frame->format.range);
	if (make_texture(picture, renderer, &frame->format, err) != 0)
		return -1;
	struct qv_frame planes = *frame;
	if (picture->chroma) {
		struct qv_frame own = qv_picture_frame(picture->chroma);
		for (int i = 1; i < 3; i++) {
			if (frame->format.pixel != QV_PIXEL_GRAY)
				halve_chroma(frame, i, qv_picture_plane(picture->chroma, i), own.stride[i]);
			planes.plane[i] = own.plane[i];
			planes.stride[i] = own.stride[i];
		}
	}
	if (SDL_UpdateYUVTexture(picture->texture, NULL, planes.plane[0], planes.stride[0], planes.plane[1],
				 planes.stride[1], planes.plane[2], planes.stride[2]) != 0)
		return qv_fail(err, QV_E_IO, "a picture of %dx%d cannot be shown: SDL: %s", frame->format.width,
			       frame->format.height, SDL_GetError());
	return 0;
}

void picture_draw(const struct picture *picture, SDL_Renderer *renderer, const SDL_Rect *area)
{
	if (!picture->texture || area->w < 1 || area->h < 1)
		return;
	SDL_Rect target = { area->x, area->y, area->w, area->h };
	int64_t width = picture->format.width, height = picture->format.height;
	if (area->w * height > area->h * width)
		target.w = (int)((area->h * width + height / 2) / height);
	else
		target.h = (int)((area->w * height + width / 2) / width);
	target.w = target.w > 0 ? target.w : 1;
	target.h = target.h > 0 ? target.h : 1;
	target.x += (area->w - target.w) / 2;
	target.y += (area->h - target.h) / 2;
	set_range(picture->format.range);
	SDL_RenderCopy(renderer, picture->texture, NULL, &target);
}

void picture_free(struct picture *picture)
{
	if (picture->texture)
		SDL_DestroyTexture(picture->texture);
	qv_picture_free(picture->chroma);
	*picture = (struct picture){ 0 };
}
