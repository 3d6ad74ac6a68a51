/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/stamp.h>

#include <string.h>

#define CELLS        (QV_STAMP_COLUMNS * QV_STAMP_ROWS)
#define SYNC_BITS    4
#define NUMBER_BITS  32
#define TIME_BITS    60
#define CRC_BITS     8
#define LUMA_DARK    16
#define LUMA_LIGHT   235
#define CONTRAST_MIN 48

_Static_assert(SYNC_BITS + NUMBER_BITS + TIME_BITS + CRC_BITS == CELLS, "the bits fill the cells");

struct rect {
	int left, top, right, bottom;
};

static struct rect cell_rect(int width, int height, int index)
{
	int column = index % QV_STAMP_COLUMNS, row = index / QV_STAMP_COLUMNS;
	return (struct rect){
		.left = column * width / QV_STAMP_COLUMNS,
		.top = row * height / QV_STAMP_GRID_ROWS,
		.right = (column + 1) * width / QV_STAMP_COLUMNS,
		.bottom = (row + 1) * height / QV_STAMP_GRID_ROWS,
	};
}

static uint8_t crc8(const uint8_t *bits, size_t count)
{
	unsigned crc = 0xff;
	for (size_t i = 0; i < count; i++) {
		unsigned top = (crc >> 7 ^ bits[i]) & 1;
		crc = (crc << 1 & 0xff) ^ (top ? 0x07 : 0);
	}
	return (uint8_t)crc;
}

static void put_bits(uint8_t **bits, uint64_t value, int count)
{
	while (count-- > 0)
		*(*bits)++ = value >> count & 1;
}

static uint64_t get_bits(const uint8_t **bits, int count)
{
	uint64_t value = 0;
	while (count-- > 0)
		value = value << 1 | *(*bits)++;
	return value;
}

static void fill(uint8_t *plane, int stride, const struct rect *rect, int value)
{
	for (int y = rect->top; y < rect->bottom; y++)
		memset(plane + (size_t)y * (size_t)stride + rect->left, value, (size_t)(rect->right - rect->left));
}

int qv_stamp_paint(struct qv_picture *picture, const struct qv_stamp *stamp, struct qv_error *err)
{
	struct qv_frame frame = qv_picture_frame(picture);
	const struct qv_video_format *format = &frame.format;
	if (format->width < QV_STAMP_WIDTH_MIN || format->height < QV_STAMP_HEIGHT_MIN)
		return qv_fail(err, QV_E_INVALID,
			       "a picture of %dx%d is too small for a stamp: at least %dx%d are needed", format->width,
			       format->height, QV_STAMP_WIDTH_MIN, QV_STAMP_HEIGHT_MIN);
	if (stamp->capture_ns < 0 || stamp->capture_ns >> TIME_BITS != 0)
		return qv_fail(err, QV_E_INVALID, "a stamp cannot hold the time %lld ns", (long long)stamp->capture_ns);
	uint8_t bits[CELLS], *next = bits;
	put_bits(&next, 0xa, SYNC_BITS);
	put_bits(&next, stamp->number, NUMBER_BITS);
	put_bits(&next, (uint64_t)stamp->capture_ns, TIME_BITS);
	put_bits(&next, crc8(bits + SYNC_BITS, NUMBER_BITS + TIME_BITS), CRC_BITS);
	for (int i = 0; i < CELLS; i++) {
		struct rect rect = cell_rect(format->width, format->height, i);
		fill(qv_picture_plane(picture, 0), frame.stride[0], &rect, bits[i] ? LUMA_LIGHT : LUMA_DARK);
	}
	for (int i = 1; i < qv_pixel_planes(format->pixel); i++) {
		struct rect rect = { 0, 0, 0, 0 };
		qv_plane_dimensions(format, i, &rect.right, &rect.bottom);
		int stamped = QV_STAMP_ROWS * format->height / QV_STAMP_GRID_ROWS;
		rect.bottom = rect.bottom < format->height ? (stamped + 1) / 2 : stamped;
		fill(qv_picture_plane(picture, i), frame.stride[i], &rect, 128);
	}
	return 0;
}

/* Mean of the middle half each way, which edges and ringing of a codec reach least. */
static int cell_level(const struct qv_frame *frame, int index)
{
	struct rect rect = cell_rect(frame->format.width, frame->format.height, index);
	int quarter_x = (rect.right - rect.left) / 4, quarter_y = (rect.bottom - rect.top) / 4;
	int sum = 0, count = 0;
	for (int y = rect.top + quarter_y; y < rect.bottom - quarter_y; y++)
		for (int x = rect.left + quarter_x; x < rect.right - quarter_x; x++, count++)
			sum += frame->plane[0][(size_t)y * (size_t)frame->stride[0] + (size_t)x];
	return count > 0 ? sum / count : 0;
}

/* Levels to bits; a level in the middle fifth between dark and light is nothing. */
static bool read_cells(const struct qv_frame *frame, uint8_t bits[CELLS])
{
	int level[CELLS];
	for (int i = 0; i < CELLS; i++)
		level[i] = cell_level(frame, i);
	int light = (level[0] + level[2]) / 2, dark = (level[1] + level[3]) / 2;
	if (light - dark < CONTRAST_MIN)
		return false;
	int middle = (light + dark) / 2, unclear = (light - dark) / 10;
	for (int i = 0; i < CELLS; i++) {
		if (level[i] > middle - unclear && level[i] < middle + unclear)
			return false;
		bits[i] = level[i] > middle;
	}
	return true;
}

bool qv_stamp_read(const struct qv_frame *frame, struct qv_stamp *stamp)
{
	uint8_t bits[CELLS];
	const uint8_t *next = bits;
	if (frame->format.pixel == QV_PIXEL_JPEG || frame->format.width < QV_STAMP_WIDTH_MIN ||
	    frame->format.height < QV_STAMP_HEIGHT_MIN || qv_frame_check(frame, NULL) != 0 || !read_cells(frame, bits))
		return false;
	if (get_bits(&next, SYNC_BITS) != 0xa)
		return false;
	uint32_t number = (uint32_t)get_bits(&next, NUMBER_BITS);
	int64_t capture_ns = (int64_t)get_bits(&next, TIME_BITS);
	if (get_bits(&next, CRC_BITS) != crc8(bits + SYNC_BITS, NUMBER_BITS + TIME_BITS))
		return false;
	*stamp = (struct qv_stamp){ .number = number, .capture_ns = capture_ns };
	return true;
}
