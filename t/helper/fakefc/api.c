/* api.c - its API socket; see fakefc.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <cjson/cJSON.h>

#include "bng.h"
#include "fakefc.h"

static void
answer(struct peer *p, int status, const char *body)
{
	dprintf(p->fd, "HTTP/1.1 %d \r\nServer: Firecracker API\r\n"
	    "Connection: keep-alive\r\n", status);
	if (status == 204)
		dprintf(p->fd, "\r\n");
	else
		dprintf(p->fd, "Content-Type: application/json\r\n"
		    "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
	say("fc_api", "Status code: %d", status);
}

static void
fault(struct peer *p, const char *why)
{
	char body[256];

	snprintf(body, sizeof(body), "{\"fault_message\":\"%s\"}", why);
	answer(p, 400, body);
}

static void
patch_vm(struct peer *p, const cJSON *o)
{
	const char *state = text(o, "state");

	if (!fake.started) {
		fault(p, "The requested operation is not supported before "
		    "starting the microVM.");
	} else if (strcmp(state, "Paused") && strcmp(state, "Resumed")) {
		fault(p, "unknown variant");
	} else if (!strcmp(fake.mode, "stubborn") ||
	    (!strcmp(fake.mode, "sticky") && strcmp(state, "Paused"))) {
		fault(p, "Internal VMM error: it rains");
	} else {
		fake.paused = !strcmp(state, "Paused");
		if (!fake.paused && fake.saved)
			forget();
		if (!fake.paused && (fake.restored || fake.saved)) {
			fake.restored = fake.saved = false;
			announce();
		}
		answer(p, 204, "");
	}
}

static bool
fill(const char *path, const char *what)
{
	FILE *f = fopen(path, "we");

	if (!f)
		return false;
	fprintf(f, "%s\n", what);
	return !fclose(f);
}

/* The state is the name of the vsock; the memory is of no use. */
static void
create(struct peer *p, const cJSON *o)
{
	if (!fake.started)
		fault(p, "The requested operation is not supported before "
		    "starting the microVM.");
	else if (!fake.paused)
		fault(p, "Create snapshot error: the microVM is not paused");
	else if (!strcmp(fake.mode, "full"))
		fault(p, "Create snapshot error: no room");
	else if (!fill(text(o, "snapshot_path"), fake.uds) ||
	    !fill(text(o, "mem_file_path"), "memory"))
		fault(p, "Create snapshot error: a file cannot be written");
	else {
		fake.saved = true;
		answer(p, 204, "");
	}
}

/* NULL, or why that cannot be loaded. */
static const char *
load_error(const cJSON *o)
{
	const cJSON *backend = cJSON_GetObjectItem(o, "mem_backend");
	const char *memory = backend ? text(backend, "backend_path") :
	    text(o, "mem_file_path");
	FILE *f = fopen(text(o, "snapshot_path"), "re");
	bool read = f && fscanf(f, "%107s", fake.uds) == 1;

	if (f)
		fclose(f);
	if (!read)
		return "Load snapshot error: its state cannot be read";
	if (access(memory, R_OK))
		return "Load snapshot error: its memory cannot be read";
	fake.vsock = bind_to(fake.uds);
	return fake.vsock < 0 ? "Load snapshot error: Vsock config error" :
	    NULL;
}

/* One that fails is the end of it. */
static void
load(struct peer *p, const cJSON *o)
{
	const cJSON *backend = cJSON_GetObjectItem(o, "mem_backend");
	const char *why = NULL;

	if (fake.started) {
		fault(p, "The requested operation is not supported after "
		    "starting the microVM.");
		return;
	}
	if (!backend == !cJSON_GetObjectItem(o, "mem_file_path"))
		why = "either mem_backend or mem_file_path is required";
	else if (backend)
		why = strict("mem_backend", backend);
	if (why) {
		fault(p, why);
		return;
	}
	why = load_error(o);
	if (why) {
		fault(p, why);
		end(1);
	}
	fake.started = true;
	fake.paused = !cJSON_IsTrue(cJSON_GetObjectItem(o, "resume_vm"));
	fake.restored = fake.paused;
	answer(p, 204, "");
	if (!fake.paused)
		announce();
}

static void
serve(struct peer *p, const char *method, const char *path, const char *body)
{
	cJSON *o = body ? cJSON_Parse(body) : NULL;
	const char *why = NULL;
	char text_[200];

	if (!strcmp(method, "GET") && !strcmp(path, "/")) {
		snprintf(text_, sizeof(text_), "{\"id\":\"%s\",\"state\":\"%s\""
		    ",\"vmm_version\":\"%s\",\"app_name\":\"Firecracker\"}",
		    fake.id, fake.paused ? "Paused" : fake.started ? "Running" :
		    "Not started", fake.version);
		answer(p, 200, text_);
	} else if (!strcmp(method, "GET")) {
		fault(p, "Invalid request method and/or path");
	} else if (!o) {
		fault(p, "Empty or broken body");
	} else if ((why = strict(path + 1, o))) {
		fault(p, why);
	} else if (!strcmp(method, "PATCH") && !strcmp(path, "/vm")) {
		patch_vm(p, o);
	} else if (!strcmp(method, "PUT") &&
	    !strcmp(path, "/snapshot/create")) {
		create(p, o);
	} else if (!strcmp(method, "PUT") && !strcmp(path, "/snapshot/load")) {
		load(p, o);
	} else if (!strcmp(method, "PUT") && fake.started &&
	    known(path + 1)) {
		fault(p, "The requested operation is not supported after "
		    "starting the microVM.");
	} else {
		fault(p, "Invalid request method and/or path");
	}
	cJSON_Delete(o);
}

void
on_api(struct peer *p)
{
	char method[8], path[64], *end, *length;
	size_t size = 0;

	p->buf[p->have] = '\0';
	end = strstr(p->buf, "\r\n\r\n");
	if (!end)
		return;
	length = strcasestr(p->buf, "Content-Length:");
	if (length)
		size = strtoul(length + strlen("Content-Length:"), NULL, 10);
	end += 4;
	if ((size_t)(p->buf + p->have - end) < size)
		return;
	if (sscanf(p->buf, "%7s %63s HTTP/1.1", method, path) != 2)
		hang_up(p);
	else
		serve(p, method, path, size ? end : NULL);
	p->have = 0;
}
