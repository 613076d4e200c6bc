/* ops.c - what a client may ask for; see ops.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bootssh.h"
#include "image.h"
#include "json.h"
#include "moment.h"
#include "ops.h"
#include "session.h"
#include "utf8.h"

bool ops_harmless;
void (*ops_configured)(void);

static const char *voice = "";

void
complain_aloud(void)
{
	voice = "banger: ";
}

int
complain(const char *fmt, ...)
{
	va_list ap;
	char line[512];
	size_t n = (size_t)snprintf(line, sizeof(line), "%s", voice);

	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - 1 - n, fmt, ap);
	va_end(ap);
	utf8_clean(line);
	n = strlen(line);
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return 1; /* nobody listens */
	return 1;
}

/* A string of at most size bytes; false, the client told, for anything else. */
static bool
want_str(struct conn *c, const char *request, const char *key, char *out,
    size_t size)
{
	if (json_str(json_get(request, key), out, size) > 0)
		return true;
	conn_fail(c, "malformed request: %s", key);
	return false;
}

static void
start(struct conn *c, const char *request, job_fn fn, bool input)
{
	struct job_want want = { .fn = fn, .request = request,
		.input = input };

	want.tty = fn == exec_run && json_true(json_get(request, "tty"));
	want.rows = (unsigned short)json_int(json_get(request, "rows"), 0,
	    65535, 24);
	want.cols = (unsigned short)json_int(json_get(request, "cols"), 0,
	    65535, 80);
	c->job = job_start(&want);
	if (!c->job)
		conn_fail(c, "cannot start a process: %s", strerror(errno));
	else
		conn_say(c, "{\"v\":%d}", AGENT_VERSION);
}

static void
op_ping(struct conn *c, const char *request)
{
	(void)request;
	conn_end(c, "{\"v\":%d,\"pong\":true}", AGENT_VERSION);
}

/* Whether all elements of an array, if there is one, are strings. */
static bool
all_strings(const char *array)
{
	for (const char *e = json_first(array); e; e = json_next(e))
		if (!json_is_str(e))
			return false;
	return true;
}

/* Whether it names a command; else the client is told. */
static bool
want_command(struct conn *c, const char *request)
{
	const char *args = json_get(request, "argv");

	if (!all_strings(args) || !all_strings(json_get(request, "env")))
		conn_fail(c, "malformed request: argv, env");
	else if (json_first(args) && !json_true(json_get(request,
	    "entrypoint")))
		return true;
	else if (image_runs())
		return true;
	else
		conn_fail(c, "no command is given, and its image names none");
	return false;
}

/* The directory is looked at here, so that it cannot pass for the command. */
static void
op_exec(struct conn *c, const char *request)
{
	char cwd[4096];
	int fd;

	if (!want_command(c, request))
		return;
	if (json_get(request, "cwd")) {
		if (!want_str(c, request, "cwd", cwd, sizeof(cwd)))
			return;
		fd = open(cwd, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0) {
			conn_fail(c, "cannot enter '%s': %s", cwd,
			    strerror(errno));
			return;
		}
		close(fd);
	}
	start(c, request, exec_run, json_true(json_get(request, "stdin")));
}

static void
op_put(struct conn *c, const char *request)
{
	char path[4096];

	if (want_str(c, request, "path", path, sizeof(path)))
		start(c, request, put_run, true);
}

static void
op_get(struct conn *c, const char *request)
{
	char path[4096];

	if (want_str(c, request, "path", path, sizeof(path)))
		start(c, request, get_run, false);
}

static void
op_stats(struct conn *c, const char *request)
{
	start(c, request, stats_run, false);
}

static void
op_ports(struct conn *c, const char *request)
{
	start(c, request, ports_run, false);
}

static void
op_boot(struct conn *c, const char *request)
{
	start(c, request, boot_run, false);
}

static void
configured(void)
{
	moment_known();
	if (ops_configured)
		ops_configured();
}

/* An sshd comes after all that is waited for. */
static void
configured_too(void)
{
	configured();
	bootssh_begin();
}

static void
op_configure(struct conn *c, const char *request)
{
	const char *image = json_get(request, "image");

	if (ops_harmless) {
		conn_fail(c, "not in test mode");
		return;
	}
	/* Restored as itself: nobody waits for a process. */
	if (moment_alone(request) && moment_set(request)) {
		conn_say(c, "{\"v\":%d}", AGENT_VERSION);
		conn_end(c, "{\"exit\":0}");
		return;
	}
	/* Kept here: commands are children of this process. */
	if (image && !image_set(image)) {
		conn_fail(c, "malformed request: image");
		return;
	}
	moment_asked(request);
	start(c, request, configure_run, false);
	c->on_success = json_true(json_get(request, "install_sshd")) ?
	    configured_too : configured;
}

static void
op_shutdown(struct conn *c, const char *request)
{
	if (ops_harmless)
		conn_fail(c, "not in test mode");
	else
		start(c, request, shutdown_run, false);
}

static void
op_dial(struct conn *c, const char *request)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	char host[INET_ADDRSTRLEN] = "127.0.0.1";
	int64_t port = json_int(json_get(request, "port"), 1, 65535, 0);
	int fd;

	if (json_get(request, "host") &&
	    !want_str(c, request, "host", host, sizeof(host)))
		return;
	if (!port || inet_pton(AF_INET, host, &to.sin_addr) != 1) {
		conn_fail(c, "malformed request: host, port");
		return;
	}
	to.sin_port = htons((uint16_t)port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && (!connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
	    errno == EINPROGRESS))
		c->job = job_socket(fd);
	if (!c->job) {
		conn_fail(c, "cannot connect: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	c->connecting = true;
}

static void
op_session_start(struct conn *c, const char *request)
{
	if (!json_first(json_get(request, "argv"))) {
		conn_fail(c, "malformed request: argv");
		return;
	}
	if (!want_command(c, request))
		return;
	if (!all_strings(json_get(request, "require")))
		conn_fail(c, "malformed request: require");
	else
		start(c, request, session_start_run, false);
}

static void
op_session_list(struct conn *c, const char *request)
{
	start(c, request, session_list_run, false);
}

static void
op_session_logs(struct conn *c, const char *request)
{
	start(c, request, session_logs_run, false);
}

/* The keeper of the session reads the request, and answers. */
static void
op_session_keeper(struct conn *c, const char *request)
{
	char name[SESSION_NAME], why[160];
	uint8_t head[FRAME_HEAD];
	size_t len = strlen(request);
	struct iovec v[2] = { { head, sizeof(head) },
		{ (char *)request, len } };
	int fd;

	if (len > FRAME_MAX) {
		conn_fail(c, "malformed request: too long");
		return;
	}
	if (!want_str(c, request, "name", name, sizeof(name)))
		return;
	if (!session_name_ok(name)) {
		conn_fail(c, "there is no session '%s'", name);
		return;
	}
	fd = session_connect(name, why, sizeof(why));
	if (fd < 0) {
		conn_fail(c, "%s", why);
		return;
	}
	frame_put_head(head, CH_CONTROL, (uint32_t)len);
	/* A new socket has room for a frame. */
	if (writev(fd, v, 2) == (ssize_t)(sizeof(head) + len))
		c->job = job_socket(fd);
	c->raw = c->job;
	if (!c->raw) {
		conn_fail(c, "cannot reach session '%s'", name);
		close(fd);
	}
}

void
op_start(struct conn *c, const char *request)
{
	static const struct {
		const char *name;
		void (*fn)(struct conn *c, const char *request);
	} ops[] = {
		{ "ping", op_ping }, { "configure", op_configure },
		{ "exec", op_exec }, { "put", op_put }, { "get", op_get },
		{ "stats", op_stats }, { "ports", op_ports },
		{ "dial", op_dial }, { "boot", op_boot },
		{ "shutdown", op_shutdown },
		{ "session.start", op_session_start },
		{ "session.list", op_session_list },
		{ "session.logs", op_session_logs },
		{ "session.attach", op_session_keeper },
		{ "session.send", op_session_keeper },
		{ "session.stop", op_session_keeper },
		{ "session.kill", op_session_keeper },
	};
	char op[24];

	if (json_int(json_get(request, "v"), 1, 1000, 0) != AGENT_VERSION) {
		conn_fail(c, "this agent speaks version %d", AGENT_VERSION);
		return;
	}
	if (!want_str(c, request, "op", op, sizeof(op)))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		if (!strcmp(ops[i].name, op)) {
			ops[i].fn(c, request);
			return;
		}
	}
	conn_fail(c, "unknown op '%s'", op);
}
