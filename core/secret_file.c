/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/secret.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_credential(const char *path)
{
	const char *folder = secure_getenv("CREDENTIALS_DIRECTORY");
	size_t length = folder ? strlen(folder) : 0;
	return length > 0 && strncmp(path, folder, length) == 0 && path[length] == '/' &&
	       !strstr(path + length, "/../");
}

static int check_file(int fd, const char *path, size_t max, size_t *size, struct qv_error *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", path);
	if (!S_ISREG(st.st_mode))
		return qv_fail(err, QV_E_DENIED, "%s: a secret is read from a regular file only", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return qv_fail(err, QV_E_DENIED, "%s: it belongs to another user", path);
	/* systemd guards its credentials by the folder, and an ACL on the file shows as bits of its group. */
	if ((st.st_mode & 077) && !is_credential(path))
		return qv_fail(err, QV_E_DENIED, "%s: others can read it (mode %04o); run: chmod 600 %s", path,
			       st.st_mode & 07777, path);
	if (st.st_size < 0 || (size_t)st.st_size > max)
		return qv_fail(err, QV_E_INVALID, "%s: larger than %zu bytes", path, max);
	*size = (size_t)st.st_size;
	return 0;
}

static int read_all(int fd, const char *path, struct qv_secret *secret, struct qv_error *err)
{
	size_t used = 0;
	while (used < qv_secret_size(secret)) {
		ssize_t got = read(fd, qv_secret_edit(secret) + used, qv_secret_size(secret) - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", path);
		if (got == 0)
			return qv_fail(err, QV_E_IO, "%s: became shorter while it was read", path);
		used += (size_t)got;
	}
	return 0;
}

struct qv_secret *qv_secret_from_file(const char *path, size_t max, struct qv_error *err)
{
	size_t size = 0;
	struct qv_secret *secret = NULL;
	/* Not to be held up by a named pipe. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", path);
		return NULL;
	}
	if (check_file(fd, path, max, &size, err) == 0)
		secret = qv_secret_new(size, err);
	if (secret && read_all(fd, path, secret, err) != 0) {
		qv_secret_free(secret);
		secret = NULL;
	}
	close(fd);
	return secret;
}
