/* SPDX-License-Identifier: Apache-2.0 */
/* Topology files. They may hold a million KMEs, so their settings are walked as libconfig has them. */
#include "topology.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID_TEXT (QV_TOPOLOGY_ID_MAX + 2) /* one more than fits, so that a longer ID is seen to be one */

static uint32_t line_of(const config_setting_t *setting)
{
	return config_setting_source_line(setting);
}

/* An ID as a string or as a number. */
static int read_id(const struct qv_topology *topology, config_setting_t *setting, char *id, struct qv_error *err)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_STRING:
		snprintf(id, ID_TEXT, "%s", config_setting_get_string(setting));
		return 0;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		snprintf(id, ID_TEXT, "%lld", config_setting_get_int64(setting));
		return 0;
	default:
		return qv_topology_fail(topology, line_of(setting), err,
					"expected the ID of a KME: a string in quotes or a number");
	}
}

static int read_number(const struct qv_topology *topology, config_setting_t *setting, double *number,
		       struct qv_error *err)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_FLOAT:
		*number = config_setting_get_float(setting);
		return 0;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		*number = (double)config_setting_get_int64(setting);
		return 0;
	default:
		return qv_topology_fail(topology, line_of(setting), err, "expected a number");
	}
}

static int read_mark(const struct qv_topology *topology, config_setting_t *setting, uint8_t mark, uint8_t *marks,
		     struct qv_error *err)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return qv_topology_fail(topology, line_of(setting), err, "%s: expected true or false",
					config_setting_name(setting));
	if (config_setting_get_bool(setting))
		*marks |= mark;
	return 0;
}

static int read_position(const struct qv_topology *topology, config_setting_t *setting, struct qv_topology_kme *kme,
			 struct qv_error *err)
{
	if ((!config_setting_is_array(setting) && !config_setting_is_list(setting)) ||
	    config_setting_length(setting) != 2)
		return qv_topology_fail(topology, line_of(setting), err, "position: expected [x, y]");
	kme->placed = true;
	return read_number(topology, config_setting_get_elem(setting, 0), &kme->x, err) != 0 ||
			       read_number(topology, config_setting_get_elem(setting, 1), &kme->y, err) != 0
		       ? -1
		       : 0;
}

static int read_kme_setting(const struct qv_topology *topology, config_setting_t *setting, struct qv_topology_kme *kme,
			    char *id, struct qv_error *err)
{
	const char *name = config_setting_name(setting);
	if (strcmp(name, "id") == 0) {
		kme->id = id;
		return read_id(topology, setting, id, err);
	}
	if (strcmp(name, "position") == 0)
		return read_position(topology, setting, kme, err);
	if (strcmp(name, "down") == 0)
		return read_mark(topology, setting, QV_TOPOLOGY_DOWN, &kme->marks, err);
	if (strcmp(name, "compromised") == 0)
		return read_mark(topology, setting, QV_TOPOLOGY_COMPROMISED, &kme->marks, err);
	return qv_topology_fail(topology, line_of(setting), err,
				"\"%.64s\" is no setting of a KME: it has id, position, down and compromised", name);
}

static int read_kme(struct qv_topology *topology, config_setting_t *setting, struct qv_error *err)
{
	char id[ID_TEXT];
	struct qv_topology_kme kme = { .line = line_of(setting) };
	if (config_setting_is_group(setting)) {
		for (int i = 0; i < config_setting_length(setting); i++)
			if (read_kme_setting(topology, config_setting_get_elem(setting, (unsigned)i), &kme, id, err) !=
			    0)
				return -1;
		if (!kme.id)
			return qv_topology_fail(topology, kme.line, err, "a KME without id");
	} else {
		kme.id = id;
		if (read_id(topology, setting, id, err) != 0)
			return -1;
	}
	return qv_topology_add_kme(topology, &kme, err) == QV_TOPOLOGY_NONE ? -1 : 0;
}

struct link_settings {
	struct qv_topology_link link;
	config_setting_t *from, *to;
};

static int read_capacity(const struct qv_topology *topology, config_setting_t *setting, uint64_t *capacity,
			 struct qv_error *err)
{
	double number = 0;
	if (read_number(topology, setting, &number, err) != 0)
		return -1;
	if (!(number >= 1 && number <= 1e15))
		return qv_topology_fail(topology, line_of(setting), err, "capacity: expected 1 to 1e15 bit/s");
	*capacity = (uint64_t)number;
	return 0;
}

static int read_link_setting(const struct qv_topology *topology, config_setting_t *setting, struct link_settings *given,
			     struct qv_error *err)
{
	const char *name = config_setting_name(setting);
	uint8_t one_way = 0;
	int result = 0;
	if (strcmp(name, "from") == 0)
		given->from = setting;
	else if (strcmp(name, "to") == 0)
		given->to = setting;
	else if (strcmp(name, "capacity") == 0)
		result = read_capacity(topology, setting, &given->link.capacity, err);
	else if (strcmp(name, "down") == 0)
		result = read_mark(topology, setting, QV_TOPOLOGY_DOWN, &given->link.marks, err);
	else if (strcmp(name, "compromised") == 0)
		result = read_mark(topology, setting, QV_TOPOLOGY_COMPROMISED, &given->link.marks, err);
	else if (strcmp(name, "one_way") == 0) {
		result = read_mark(topology, setting, 1, &one_way, err);
		given->link.one_way = one_way;
	} else
		result = qv_topology_fail(
			topology, line_of(setting), err,
			"\"%.64s\" is no setting of a link: it has from, to, capacity, one_way, down and compromised",
			name);
	return result;
}

/* KMEs are sorted by now, so that they are found fast. */
static int read_end(const struct qv_topology *topology, config_setting_t *setting, uint32_t *kme, struct qv_error *err)
{
	char id[ID_TEXT];
	if (read_id(topology, setting, id, err) != 0)
		return -1;
	*kme = qv_topology_find(topology, id);
	if (*kme != QV_TOPOLOGY_NONE)
		return 0;
	return qv_topology_fail(topology, line_of(setting), err, "a link names KME \"%.64s\", which is not under kmes",
				id);
}

static int read_link(struct qv_topology *topology, config_setting_t *setting, struct qv_error *err)
{
	struct link_settings given = { .link = { .line = line_of(setting) } };
	if (!config_setting_is_group(setting))
		return qv_topology_fail(topology, line_of(setting), err, "expected a link: { from = …; to = …; }");
	for (int i = 0; i < config_setting_length(setting); i++)
		if (read_link_setting(topology, config_setting_get_elem(setting, (unsigned)i), &given, err) != 0)
			return -1;
	if (!given.from || !given.to)
		return qv_topology_fail(topology, line_of(setting), err, "a link without %s",
					given.from ? "to" : "from");
	if (read_end(topology, given.from, &given.link.from, err) != 0)
		return -1;
	bool several = config_setting_is_array(given.to) || config_setting_is_list(given.to);
	int count = several ? config_setting_length(given.to) : 1;
	for (int i = 0; i < count; i++) {
		config_setting_t *to = several ? config_setting_get_elem(given.to, (unsigned)i) : given.to;
		given.link.line = line_of(to);
		if (read_end(topology, to, &given.link.to, err) != 0 ||
		    qv_topology_add_link(topology, &given.link, err) != 0)
			return -1;
	}
	return 0;
}

/* Every element of a list or array at the top. */
static int read_elements(struct qv_topology *topology, config_setting_t *root, const char *name,
			 int (*read_one)(struct qv_topology *, config_setting_t *, struct qv_error *),
			 struct qv_error *err)
{
	config_setting_t *setting = config_setting_get_member(root, name);
	if (!setting)
		return 0;
	if (!config_setting_is_list(setting) && !config_setting_is_array(setting))
		return qv_topology_fail(topology, line_of(setting), err, "%s: expected a list: ( … )", name);
	for (int i = 0; i < config_setting_length(setting); i++)
		if (read_one(topology, config_setting_get_elem(setting, (unsigned)i), err) != 0)
			return -1;
	return 0;
}

static int read_root(struct qv_topology *topology, config_setting_t *root, struct qv_error *err)
{
	for (int i = 0; i < config_setting_length(root); i++) {
		config_setting_t *setting = config_setting_get_elem(root, (unsigned)i);
		const char *name = config_setting_name(setting);
		if (strcmp(name, "kmes") != 0 && strcmp(name, "links") != 0)
			return qv_topology_fail(topology, line_of(setting), err,
						"\"%.64s\" is no setting of a topology: it has kmes and links", name);
	}
	if (read_elements(topology, root, "kmes", read_kme, err) != 0)
		return -1;
	if (topology->kme_count == 0)
		return qv_topology_fail(topology, 0, err, "no KMEs: a topology has kmes: ( … ) and links: ( … )");
	return qv_topology_sort_kmes(topology, err) != 0 || read_elements(topology, root, "links", read_link, err) != 0
		       ? -1
		       : 0;
}

/* libconfig reads included files by itself, without a bound. */
static int refuse_includes(const struct qv_topology *topology, const char *text, struct qv_error *err)
{
	uint32_t number = 1;
	for (const char *line = text; line; number++) {
		line += strspn(line, " \t");
		if (strncmp(line, "@include", 8) == 0)
			return qv_topology_fail(topology, number, err, "a topology includes no other files");
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return 0;
}

struct qv_topology *qv_topology_parse(const char *text, const char *name, struct qv_error *err)
{
	struct qv_topology *topology = qv_topology_new(err);
	if (!topology)
		return NULL;
	topology->name = strdup(name);
	if (!topology->name) {
		qv_fail(err, QV_E_NOMEM, "no memory for a topology");
		qv_topology_free(topology);
		return NULL;
	}
	config_t config;
	config_init(&config);
	int result = refuse_includes(topology, text, err);
	if (result == 0 && config_read_string(&config, text) != CONFIG_TRUE)
		result = qv_topology_fail(topology, (uint32_t)config_error_line(&config), err, "%s",
					  config_error_text(&config));
	if (result == 0)
		result = read_root(topology, config_root_setting(&config), err);
	config_destroy(&config);
	if (result == 0)
		result = qv_topology_finish(topology, err);
	if (result == 0)
		return topology;
	qv_topology_free(topology);
	return NULL;
}

static char *read_text(int fd, const char *path, struct qv_error *err)
{
	size_t room = 65536, used = 0;
	char *text = malloc(room);
	while (text && used <= QV_TOPOLOGY_FILE_MAX) {
		ssize_t got = read(fd, text + used, room - used - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", path);
			free(text);
			return NULL;
		}
		used += (size_t)got;
		text[used] = 0;
		if (got == 0)
			break;
		if (room - used > 1)
			continue;
		char *grown = realloc(text, room * 2);
		if (!grown)
			free(text);
		text = grown;
		room *= 2;
	}
	if (!text) {
		qv_fail(err, QV_E_NOMEM, "no memory for %s", path);
		return NULL;
	}
	if (used <= QV_TOPOLOGY_FILE_MAX && !memchr(text, 0, used))
		return text;
	if (used > QV_TOPOLOGY_FILE_MAX)
		qv_fail(err, QV_E_CONFIG, "%s: larger than %u bytes", path, QV_TOPOLOGY_FILE_MAX);
	else
		qv_fail(err, QV_E_CONFIG, "%s: it holds a zero byte, so it is no text", path);
	free(text);
	return NULL;
}

struct qv_topology *qv_topology_load(const char *path, struct qv_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	if (fd < 0)
		qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", path);
	else {
		text = read_text(fd, path, err);
		close(fd);
	}
	struct qv_topology *topology = text ? qv_topology_parse(text, path, err) : NULL;
	free(text);
	return topology;
}
