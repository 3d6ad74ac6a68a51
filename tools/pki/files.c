/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

BIO *files_add(struct files *files, const char *stem, const char *suffix, mode_t mode)
{
	struct file *more = reallocarray(files->list, files->count + 1, sizeof *more);
	BIO *bytes = BIO_new(BIO_s_secmem());
	if (more)
		files->list = more;
	if (!more || !bytes) {
		BIO_free(bytes);
		return NULL;
	}
	struct file *file = &files->list[files->count++];
	*file = (struct file){ .mode = mode, .bytes = bytes };
	snprintf(file->name, sizeof file->name, "%s.%s", stem, suffix);
	return bytes;
}

void files_clear(struct files *files)
{
	for (size_t i = 0; i < files->count; i++)
		BIO_free(files->list[i].bytes);
	free(files->list);
	*files = (struct files){ .count = 0 };
}

static int write_file(const struct file *file, int folder, const char *name, struct qv_error *err)
{
	char *bytes;
	long size = BIO_get_mem_data(file->bytes, &bytes);
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, file->mode);
	if (fd < 0)
		return qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be made", name);
	int failed = 0;
	/* Not as the umask has it. */
	if (fchmod(fd, file->mode) != 0)
		failed = errno;
	while (!failed && size > 0) {
		ssize_t written = write(fd, bytes, (size_t)size);
		if (written < 0 && errno != EINTR)
			failed = errno;
		bytes += written > 0 ? written : 0;
		size -= written > 0 ? written : 0;
	}
	if (!failed && fsync(fd) != 0)
		failed = errno;
	if (close(fd) != 0 && !failed)
		failed = errno;
	if (!failed)
		return 0;
	unlinkat(folder, name, 0);
	return qv_fail_errno(err, QV_E_IO, failed, "%s: cannot be written", name);
}

int files_write_new(const struct files *files, int folder, struct qv_error *err)
{
	struct stat st;
	for (size_t i = 0; i < files->count; i++)
		if (fstatat(folder, files->list[i].name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return qv_fail(err, QV_E_DENIED, "%s is there already; nothing was written",
				       files->list[i].name);
	for (size_t i = 0; i < files->count; i++) {
		if (write_file(&files->list[i], folder, files->list[i].name, err) == 0)
			continue;
		while (i-- > 0)
			unlinkat(folder, files->list[i].name, 0);
		return -1;
	}
	return fsync(folder) == 0 ? 0 : qv_fail_errno(err, QV_E_IO, errno, "the folder cannot be written");
}

int files_replace(const struct files *files, int folder, struct qv_error *err)
{
	for (size_t i = 0; i < files->count; i++) {
		char temporary[FILE_NAME_MAX + 8];
		snprintf(temporary, sizeof temporary, ".%s.new", files->list[i].name);
		/* The lock is ours: what is left over is of a run that died. */
		unlinkat(folder, temporary, 0);
		if (write_file(&files->list[i], folder, temporary, err) != 0)
			return -1;
		if (renameat(folder, temporary, folder, files->list[i].name) != 0) {
			int failed = errno;
			unlinkat(folder, temporary, 0);
			return qv_fail_errno(err, QV_E_IO, failed, "%s: cannot be replaced", files->list[i].name);
		}
	}
	return fsync(folder) == 0 ? 0 : qv_fail_errno(err, QV_E_IO, errno, "the folder cannot be written");
}

static void remove_folder(const struct files *files, int fd, const char *path)
{
	for (size_t i = 0; fd >= 0 && i < files->count; i++)
		unlinkat(fd, files->list[i].name, 0);
	rmdir(path);
}

/* An empty folder is replaced by rename(); one with anything in it is not. */
static int publish(const char *made, const char *folder, struct qv_error *err)
{
	struct stat st;
	if (lstat(folder, &st) == 0 && !S_ISDIR(st.st_mode))
		return qv_fail(err, QV_E_DENIED, "%s is there already, and is no folder", folder);
	if (rename(made, folder) == 0)
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST)
		return qv_fail(err, QV_E_DENIED, "%s has files in it already, and nothing is overwritten", folder);
	return qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be made", folder);
}

int folder_check_new(const char *folder, struct qv_error *err)
{
	DIR *dir = opendir(folder);
	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return qv_fail_errno(err, QV_E_IO, errno, "%s is there already, and is no folder that can be used",
				     folder);
	size_t count = 0;
	while (readdir(dir))
		count++;
	closedir(dir);
	/* "." and ".." are always there. */
	return count <= 2 ? 0
			  : qv_fail(err, QV_E_DENIED, "%s has files in it already, and nothing is overwritten", folder);
}

int files_make_folder(const struct files *files, const char *folder, struct qv_error *err)
{
	char *made = NULL;
	size_t length = strlen(folder);
	while (length > 1 && folder[length - 1] == '/')
		length--;
	if (asprintf(&made, "%.*s.XXXXXX", (int)length, folder) < 0)
		return qv_fail(err, QV_E_NOMEM, "no memory for a path");
	if (!mkdtemp(made)) {
		free(made);
		return qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be made", folder);
	}
	int fd = open(made, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd < 0 ? qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be opened", made)
			    : files_write_new(files, fd, err);
	if (result == 0)
		result = publish(made, folder, err);
	if (result != 0)
		remove_folder(files, fd, made);
	if (fd >= 0)
		close(fd);
	free(made);
	return result;
}

int folder_open(const char *folder, struct qv_error *err)
{
	struct stat st;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be opened (\"make\" makes it)", folder);
	else if ((st.st_mode & 022) || (st.st_uid != geteuid() && st.st_uid != 0))
		qv_fail(err, QV_E_DENIED, "%s: others can write to it (mode %04o)", folder,
			(unsigned)st.st_mode & 07777);
	else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		qv_fail(err, QV_E_BUSY, "%s: another qkd-pki is at work there", folder);
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

bool folder_has(int folder, const char *stem, const char *suffix)
{
	char name[FILE_NAME_MAX];
	struct stat st;
	snprintf(name, sizeof name, "%s.%s", stem, suffix);
	return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}
