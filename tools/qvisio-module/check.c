/* SPDX-License-Identifier: Apache-2.0 */
/* qvisio-module check */
#include "find.h"

#include "../../tests/conformance/conformance.h"

static int load_section(const char *path, struct qv_config **config, struct check_settings *settings,
			struct qv_error *err)
{
	*config = NULL;
	if (!path)
		return 0;
	*config = qv_config_load(path, err);
	if (!*config)
		return -1;
	settings->section = qv_config_root(*config);
	return 0;
}

static const struct qv_loaded *load(struct qv_loader *loader, const char *module, struct qv_error *err)
{
	struct found found;
	if (is_module_path(module))
		return qv_loader_open_file(loader, module, err);
	return find_class(loader, module, &found, err) == 0 ? found.loaded : NULL;
}

static int report(const struct qv_error *err)
{
	fprintf(stderr, "qvisio-module: %s\n", err->message);
	return err->code == QV_E_INVALID || err->code == QV_E_CONFIG || err->code == QV_E_IO ? STATUS_USAGE
											     : STATUS_MODULE;
}

static int run(struct qv_loader *loader, const struct check_arguments *arguments, struct check_request *request,
	       const struct qv_log *log)
{
	struct qv_error err = QV_ERROR_INIT;
	const struct qv_loaded *loaded = load(loader, arguments->module, &err);
	if (!loaded)
		return report(&err);
	int failed = check_module(loaded, request, log, stdout);
	if (failed < 0) {
		fputs("qvisio-module: a process for a check could not be started\n", stderr);
		return STATUS_FAULTS;
	}
	return failed ? STATUS_FAULTS : STATUS_OK;
}

int command_check(struct qv_loader *loader, const struct check_arguments *arguments, const struct qv_log *log)
{
	struct check_request request = { .own = { .assignments = arguments->assignments },
					 .peer_id = arguments->peer,
					 .timeout_ms = arguments->timeout_ms };
	struct qv_config *own = NULL, *peer = NULL;
	struct qv_error err = QV_ERROR_INIT;
	int status;
	if (load_section(arguments->config, &own, &request.own, &err) == 0 &&
	    load_section(arguments->peer_config, &peer, &request.peer, &err) == 0)
		status = run(loader, arguments, &request, log);
	else
		status = report(&err);
	qv_config_free(own);
	qv_config_free(peer);
	return status;
}
