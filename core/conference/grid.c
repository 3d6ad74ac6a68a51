/* SPDX-License-Identifier: Apache-2.0 */
#include "grid.h"

static double picture_area(int width, int height)
{
	double across = width, down = height;
	return across * 3 < down * 4 ? across * across * 3 / 4 : down * down * 4 / 3;
}

static size_t rows_of(size_t count, size_t columns)
{
	return count > columns ? 1 + (count - 1) / columns : 1;
}

static size_t best_columns(size_t count, int width, int height)
{
	size_t best = 1;
	double most = 0;
	for (size_t columns = 1; columns <= count; columns++) {
		size_t rows = rows_of(count, columns);
		double area = picture_area(width / (int)columns, height / (int)rows);
		if (area > most) {
			most = area;
			best = columns;
		}
	}
	return best;
}

static int even(int value)
{
	return value & ~1;
}

struct box grid_cell(size_t count, size_t index, int width, int height)
{
	size_t columns = best_columns(count, width, height), rows = rows_of(count, columns);
	size_t row = index / columns, column = index % columns;
	/* The last row may be shorter; it stands in the middle. */
	size_t in_row = row + 1 < rows ? columns : count - row * columns;
	int cell = even(width / (int)columns), tall = even(height / (int)rows);
	int left = even((width - cell * (int)in_row) / 2);
	return (struct box){ left + (int)column * cell, (int)row * tall, cell, tall };
}

struct box grid_fit(const struct box *inside, int width, int height)
{
	int across = inside->width, down = inside->height;
	if ((long long)across * height > (long long)down * width)
		across = (int)((long long)down * width / height);
	else
		down = (int)((long long)across * height / width);
	across = across < 2 ? 2 : even(across);
	down = down < 2 ? 2 : even(down);
	return (struct box){ even(inside->x + (inside->width - across) / 2),
			     even(inside->y + (inside->height - down) / 2), across, down };
}
