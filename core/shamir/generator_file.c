/* SPDX-License-Identifier: Apache-2.0 */
/* A file of random bytes as a generator's device. */
#include <qvisio/generator.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct qv_generator_device {
	struct qv_generator_class device_class; /* named after the file */
	int descriptor;
	char path[];
};

static int read_file(struct qv_generator_device *device, uint8_t *bytes, size_t size, struct qv_error *err)
{
	for (size_t have = 0; have < size;) {
		ssize_t got = read(device->descriptor, bytes + have, size - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return qv_fail_errno(err, QV_E_IO, errno, "reading");
		if (got == 0)
			return qv_fail(err, QV_E_IO, "it has no more bytes");
		have += (size_t)got;
	}
	return 0;
}

static void close_file(struct qv_generator_device *device)
{
	close(device->descriptor);
	free(device);
}

struct qv_generator *qv_generator_open(const char *path, struct qv_error *err)
{
	size_t length = strlen(path) + 1;
	struct qv_generator_device *device = malloc(sizeof *device + length);
	if (!device) {
		qv_fail(err, QV_E_NOMEM, "no memory for generator %s", path);
		return NULL;
	}
	memcpy(device->path, path, length);
	device->device_class =
		(struct qv_generator_class){ .name = device->path, .read = read_file, .close = close_file };
	device->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (device->descriptor < 0) {
		qv_fail_errno(err, QV_E_IO, errno, "opening generator %s", path);
		free(device);
		return NULL;
	}
	struct qv_generator *generator = qv_generator_from_device(&device->device_class, device, err);
	if (!generator)
		close_file(device);
	return generator;
}
