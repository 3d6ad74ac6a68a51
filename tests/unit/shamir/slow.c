/* SPDX-License-Identifier: Apache-2.0 */
#include "slow.h"

uint8_t slow_multiply(uint8_t a, uint8_t b)
{
	unsigned product = 0;
	for (unsigned bit = 0; bit < 8; bit++) {
		if (b >> bit & 1)
			product ^= (unsigned)a << bit;
	}
	for (unsigned bit = 15; bit >= 8; bit--) {
		if (product >> bit & 1)
			product ^= 0x11bu << (bit - 8);
	}
	return (uint8_t)product;
}

uint8_t slow_invert(uint8_t a)
{
	for (unsigned b = 1; b < 256; b++) {
		if (slow_multiply(a, (uint8_t)b) == 1)
			return (uint8_t)b;
	}
	return 0;
}

uint8_t slow_evaluate(const uint8_t *coefficients, unsigned count, uint8_t x)
{
	uint8_t sum = 0, power = 1;
	for (unsigned i = 0; i < count; i++) {
		sum ^= slow_multiply(coefficients[i], power);
		power = slow_multiply(power, x);
	}
	return sum;
}

uint8_t slow_interpolate(const uint8_t *x, const uint8_t *y, unsigned t, uint8_t at)
{
	uint8_t sum = 0;
	for (unsigned i = 0; i < t; i++) {
		uint8_t basis = y[i];
		for (unsigned j = 0; j < t; j++) {
			if (j != i)
				basis = slow_multiply(slow_multiply(basis, at ^ x[j]), slow_invert(x[i] ^ x[j]));
		}
		sum ^= basis;
	}
	return sum;
}

static bool consistent(unsigned t, const uint8_t *x, const uint8_t *y, unsigned count)
{
	for (unsigned i = t; i < count; i++) {
		if (slow_interpolate(x, y, t, x[i]) != y[i])
			return false;
	}
	return true;
}

static bool agree_without(unsigned t, const uint8_t *x, const uint8_t *const *shares, unsigned m, size_t size,
			  unsigned wrong, uint8_t *secret)
{
	for (size_t j = 0; j < size; j++) {
		uint8_t points[SLOW_MAX] = { 0 }, values[SLOW_MAX] = { 0 };
		unsigned count = 0;
		for (unsigned i = 0; i < m; i++) {
			if (wrong >> i & 1)
				continue;
			points[count] = x[i];
			values[count++] = shares[i][j];
		}
		if (!consistent(t, points, values, count))
			return false;
		secret[j] = slow_interpolate(points, values, t, 0);
	}
	return true;
}

int slow_robust(unsigned t, const uint8_t *x, const uint8_t *const *shares, unsigned m, size_t size, unsigned correct,
		uint8_t *secret)
{
	for (unsigned errors = 0; errors <= correct; errors++) {
		for (unsigned wrong = 0; wrong < 1u << m; wrong++) {
			if ((unsigned)__builtin_popcount(wrong) == errors &&
			    agree_without(t, x, shares, m, size, wrong, secret))
				return (int)wrong;
		}
	}
	return -1;
}

uint64_t slow_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void slow_random_bytes(uint64_t *state, void *bytes, size_t size)
{
	uint8_t *out = bytes;
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)(slow_random(state) >> 32);
}
