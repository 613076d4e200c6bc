/* fakefc - Firecracker without KVM: its command line, its parsers, its sockets
 *
 * SPDX-License-Identifier: MIT
 *
 * It refuses what the real one of its version refuses: fields that it does not
 * know, files that are not there, sockets in the way, requests in the wrong
 * phase. Its guest is a few lines below: an agent that configures nothing.
 *
 * What may be read is confined, as the real one is, so what it plays is written
 * behind the program: "fakefc: version=1.12.1 mode=ok", see play(). The guest
 * does what the first word of an exec says, see exec().
 */
#include <cjson/cJSON.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "bng.h"
#include "dirs.h"
#include "frame.h"

/* lib asks for it; here is no applet. */
const struct applet *self;

enum { PEERS = 64, REQUEST = 65536 };

enum kind { FREE, API, LINE, AGENT };	/* of a connection */

static struct peer {
	enum kind kind;
	int fd;
	size_t have;
	char buf[REQUEST + 1];
	struct frame_in in;
} peers[PEERS];

static char version[32] = "1.12.1", mode[32] = "ok";
static int number = 1012001;
static const char *id = "anonymous-instance", *api_path, *log_path;
static char uds[108];			/* of the vsock */
static int api = -1, vsock = -1, hello = -1;
static bool started, paused;
static bool restored;			/* and has not gone on since */

/* --- what it says ----------------------------------------------------- */

printf_fn(2, 3) static void
say(const char *thread, const char *fmt, ...)
{
	FILE *f = log_path ? fopen(log_path, "ae") : stdout;
	struct timespec t;
	va_list ap;

	if (!f)
		exit(1);
	clock_gettime(CLOCK_REALTIME, &t);
	fprintf(f, "%lld.%09ld [%s:%s] ", (long long)t.tv_sec, t.tv_nsec, id,
	    thread);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fputc('\n', f);
	if (f == stdout)
		fflush(f);
	else
		fclose(f);
}

noreturn_fn printf_fn(1, 2) static void
fail(const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say("main", "RunWithApiError error: %s", text);
	say("main", "Firecracker exiting with error. exit_code=1");
	fprintf(stderr, "Error: RunWithApi(...)\n");
	_exit(1);
}

/* --- what it understands ---------------------------------------------- */

struct field {
	const char *section, *name;
	bool required;
	int since, until;	/* 0: ever */
};

/* The sections that refuse what they do not know. */
static const struct field fields[] = {
	{ "boot-source", "kernel_image_path", true, 0, 0 },
	{ "boot-source", "initrd_path", false, 0, 0 },
	{ "boot-source", "boot_args", false, 0, 0 },
	{ "machine-config", "vcpu_count", true, 0, 0 },
	{ "machine-config", "mem_size_mib", true, 0, 0 },
	{ "machine-config", "smt", false, 0, 0 },
	{ "machine-config", "track_dirty_pages", false, 0, 0 },
	{ "machine-config", "huge_pages", false, 1007000, 0 },
	{ "drives", "drive_id", true, 0, 0 },
	{ "drives", "is_root_device", true, 0, 0 },
	{ "drives", "path_on_host", true, 0, 0 },
	{ "drives", "is_read_only", true, 0, 0 },
	{ "drives", "cache_type", false, 0, 0 },
	{ "drives", "io_engine", false, 0, 0 },
	{ "drives", "socket", false, 1006000, 0 },
	{ "vsock", "guest_cid", true, 0, 0 },
	{ "vsock", "uds_path", true, 0, 0 },
	{ "vsock", "vsock_id", false, 0, 0 },
	{ "entropy", "rate_limiter", false, 0, 0 },
	{ "balloon", "amount_mib", true, 0, 0 },
	{ "balloon", "deflate_on_oom", true, 0, 0 },
	{ "balloon", "stats_polling_interval_s", false, 0, 0 },
	{ "balloon", "free_page_hinting", false, 1014000, 0 },
	{ "balloon", "free_page_reporting", false, 1014000, 0 },
	{ "vm", "state", true, 0, 0 },
	{ "actions", "action_type", true, 0, 0 },
	{ "snapshot/create", "snapshot_type", false, 0, 0 },
	{ "snapshot/create", "snapshot_path", true, 0, 0 },
	{ "snapshot/create", "mem_file_path", true, 0, 0 },
	{ "snapshot/create", "version", false, 0, 1006000 },
	{ "snapshot/load", "snapshot_path", true, 0, 0 },
	{ "snapshot/load", "mem_backend", false, 0, 0 },
	{ "snapshot/load", "mem_file_path", false, 0, 0 },
	{ "snapshot/load", "resume_vm", false, 0, 0 },
	{ "snapshot/load", "enable_diff_snapshots", false, 0, 0 },
	{ "snapshot/load", "network_overrides", false, 1012000, 0 },
	{ "snapshot/load", "track_dirty_pages", false, 1013000, 0 },
	{ "snapshot/load", "clock_realtime", false, 1014004, 1015000 },
	{ "snapshot/load", "clock_realtime", false, 1015001, 0 },
	{ "snapshot/load", "vsock_override", false, 1016000, 0 },
	{ "mem_backend", "backend_type", true, 0, 0 },
	{ "mem_backend", "backend_path", true, 0, 0 },
};

static const struct field *
field(const char *section, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].section, section) &&
		    !strcmp(fields[i].name, name) &&
		    fields[i].since <= number &&
		    (!fields[i].until || number < fields[i].until))
			return &fields[i];
	return NULL;
}

static bool
known(const char *section)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].section, section))
			return true;
	return false;
}

/* NULL, or what is wrong with an object of this section. */
static const char *
strict(const char *section, const cJSON *o)
{
	static char why[128];

	for (const cJSON *f = o ? o->child : NULL; f; f = f->next)
		if (!field(section, f->string)) {
			snprintf(why, sizeof(why), "unknown field `%s`",
			    f->string);
			return why;
		}
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].section, section) &&
		    fields[i].required &&
		    !cJSON_GetObjectItem(o, fields[i].name)) {
			snprintf(why, sizeof(why), "missing field `%s`",
			    fields[i].name);
			return why;
		}
	return NULL;
}

static const char *
text(const cJSON *o, const char *key)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(o, key));

	return s ? s : "";
}

static void
need(const char *what, const char *path, int flags, const char *magic)
{
	autoclose int fd = open(path, flags | O_CLOEXEC);
	char head[4] = "";

	if (fd < 0)
		fail("Failed to build MicroVM from Json: %s: %s", what,
		    strerror(errno));
	if (magic && (read(fd, head, 4) != 4 || memcmp(head, magic, 4)))
		fail("Failed to build MicroVM from Json: Start microvm error: "
		    "Invalid Elf magic number");
}

static int
socket_of(const char *path, struct sockaddr_un *sun)
{
	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(sun->sun_path))
		return -1;
	memcpy(sun->sun_path, path, strlen(path));
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int
bind_to(const char *path)
{
	struct sockaddr_un sun;
	int fd = socket_of(path, &sun);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) ||
	    listen(fd, 128))
		return -1;
	return fd;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un sun;
	int fd = socket_of(path, &sun);

	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)))
		return -1;
	return fd;
}

static const cJSON *
section(const cJSON *all, const char *name, bool required)
{
	const cJSON *o = cJSON_GetObjectItem(all, name);
	const char *why = o || required ? strict(name, o) : NULL;

	if (why)
		fail("Failed to build MicroVM from Json: Configuration for VMM "
		    "from one single json failed: Invalid JSON: %s", why);
	return o;
}

/* The machine of a configuration; it runs then. */
static void
build(const char *path)
{
	char *buf = NULL;
	const cJSON *all, *o, *d;

	if (file_slurp(AT_FDCWD, path, 1 << 20, &buf, NULL) ||
	    !(all = cJSON_Parse(buf)))
		fail("Failed to build MicroVM from Json: Invalid JSON");
	o = section(all, "machine-config", false);
	if (o && cJSON_GetNumberValue(cJSON_GetObjectItem(o, "vcpu_count")) >
	    32)
		fail("Failed to build MicroVM from Json: The vCPU number is "
		    "invalid!");
	section(all, "entropy", false);
	section(all, "balloon", false);
	cJSON_ArrayForEach(d, cJSON_GetObjectItem(all, "drives")) {
		const char *why = strict("drives", d);

		if (why)
			fail("Failed to build MicroVM from Json: %s", why);
		need("Drive config error", text(d, "path_on_host"),
		    cJSON_IsTrue(cJSON_GetObjectItem(d, "is_read_only")) ?
		    O_RDONLY : O_RDWR, NULL);
	}
	o = section(all, "boot-source", true);
	need("Boot source error: The kernel file cannot be opened",
	    text(o, "kernel_image_path"), O_RDONLY, "\177ELF");
	if (cJSON_GetObjectItem(o, "initrd_path"))
		need("Boot source error: The initrd file cannot be opened",
		    text(o, "initrd_path"), O_RDONLY, NULL);
	printf("Command line: %s\n", text(o, "boot_args"));
	fflush(stdout);
	o = section(all, "vsock", false);
	snprintf(uds, sizeof(uds), "%s", text(o, "uds_path"));
	if (o && (vsock = bind_to(uds)) < 0)
		fail("Failed to build MicroVM from Json: Vsock config error: "
		    "Error binding to the host-side Unix socket: %s",
		    strerror(errno));
	started = true;
	say("main", "Successfully started microvm that was configured from "
	    "one single json");
}

/* --- its guest -------------------------------------------------------- */

static void
hang_up(struct peer *p)
{
	close(p->fd);
	p->kind = FREE;
}

static void
send_frame(struct peer *p, enum frame_channel ch, const char *data, size_t n)
{
	uint8_t head[FRAME_HEAD];

	frame_put_head(head, ch, (uint32_t)n);
	if (write_all(p->fd, head, FRAME_HEAD) || write_all(p->fd, data, n))
		hang_up(p);
}

static void
control(struct peer *p, const char *json)
{
	send_frame(p, CH_CONTROL, json, strlen(json));
}

/* Nothing is freed: that is not for a leak checker to have a say in. */
noreturn_fn static void
end(int status)
{
	fflush(stdout);
	_exit(status);
}

/* The last words of a kernel, and what is left then. */
static void
halt(const char *words)
{
	printf("[    3.141592] reboot: %s\r\n", words);
	fflush(stdout);
	for (;;)
		pause();
}

static void
announce(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s_1024", uds);
	if (hello >= 0)
		close(hello);
	hello = connect_to(path);
}

/* More than either log is to hold. */
static void
shout(void)
{
	for (int i = 0; i < 10000; i++) {
		printf("%500s %d\n", "shout", i);
		say("main", "%500s %d", "shout", i);
	}
	fflush(stdout);
}

static int
exec(struct peer *p, const char *word)
{
	static char block[32768];

	if (!strcmp(word, "reboot")) {
		printf("[    3.1] reboot: Restarting system\r\n");
		end(0);
	}
	if (!strcmp(word, "panic")) {
		printf("[    3.1] Kernel panic - not syncing: it rains\r\n");
		end(0);
	}
	if (!strcmp(word, "poweroff"))
		halt("System halted");
	if (!strcmp(word, "poweroff-6.10"))
		halt("Power off not available: System halted instead");
	if (!strcmp(word, "die"))
		end(3);
	if (!strcmp(word, "abort"))
		raise(SIGABRT);
	if (!strcmp(word, "words")) {
		printf("reboot: System halted, says a program\r\n");
		printf("x reboot: System halted\r\n");
		fflush(stdout);
	}
	if (!strcmp(word, "shout"))
		shout();
	if (!strcmp(word, "again"))
		announce();
	if (!strcmp(word, "second")) {
		int first = hello;

		hello = -1;
		announce();
		close(hello);
		hello = first;
	}
	for (int i = 0; !strcmp(word, "flood") && i < 256; i++)
		send_frame(p, CH_STDOUT, block, sizeof(block));
	if (!strcmp(word, "flood"))
		return 0;
	send_frame(p, CH_STDOUT, word, strlen(word));
	send_frame(p, CH_STDOUT, "\n", 1);
	return 7;
}

static void
request(struct peer *p, char *json)
{
	cJSON *o = cJSON_Parse(json);
	const char *op = text(o, "op");
	const cJSON *argv = cJSON_GetObjectItem(o, "argv");
	int status = 0;
	char last[32];

	if (!strcmp(op, "ping")) {
		control(p, "{\"v\":1,\"pong\":true}");
	} else {
		control(p, "{\"v\":1}");
		if (!strcmp(op, "exec"))
			status = exec(p, cJSON_GetStringValue(
			    cJSON_GetArrayItem(argv, 0)));
		snprintf(last, sizeof(last), "{\"exit\":%d}", status);
		control(p, last);
		if (!strcmp(op, "shutdown"))
			halt("System halted");
	}
	cJSON_Delete(o);
}

/* Whole control frames; all else is skipped. */
static void
on_agent(struct peer *p)
{
	while (p->kind == AGENT && p->have >= FRAME_HEAD) {
		const uint8_t *b = (uint8_t *)p->buf;
		size_t n = (size_t)b[1] << 24 | (size_t)b[2] << 16 |
		    (size_t)b[3] << 8 | b[4];
		char *json;

		if (n > REQUEST - FRAME_HEAD) {
			hang_up(p);
			return;
		}
		if (p->have < FRAME_HEAD + n)
			return;
		json = strndup(p->buf + FRAME_HEAD, n);
		p->have -= FRAME_HEAD + n;
		if (b[0] == CH_CONTROL)
			request(p, json);
		memmove(p->buf, p->buf + FRAME_HEAD + n, p->have);
		free(json);
	}
}

/* CONNECT in one piece, as the real one wants it. */
static void
on_line(struct peer *p)
{
	unsigned port;

	p->buf[p->have] = '\0';
	if (sscanf(p->buf, "CONNECT %u\n", &port) != 1 ||
	    p->buf[p->have - 1] != '\n' || port < 1 || port > 2) {
		hang_up(p);
		return;
	}
	p->have = 0;
	p->kind = AGENT;
	dprintf(p->fd, "OK %u\n", 1073741824U);
}

/* --- its API ---------------------------------------------------------- */

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

	if (!started) {
		fault(p, "The requested operation is not supported before "
		    "starting the microVM.");
	} else if (strcmp(state, "Paused") && strcmp(state, "Resumed")) {
		fault(p, "unknown variant");
	} else if (!strcmp(mode, "stubborn") ||
	    (!strcmp(mode, "sticky") && strcmp(state, "Paused"))) {
		fault(p, "Internal VMM error: it rains");
	} else {
		paused = !strcmp(state, "Paused");
		if (!paused && restored) {
			restored = false;
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
	if (!started)
		fault(p, "The requested operation is not supported before "
		    "starting the microVM.");
	else if (!paused)
		fault(p, "Create snapshot error: the microVM is not paused");
	else if (!strcmp(mode, "full"))
		fault(p, "Create snapshot error: no room");
	else if (!fill(text(o, "snapshot_path"), uds) ||
	    !fill(text(o, "mem_file_path"), "memory"))
		fault(p, "Create snapshot error: a file cannot be written");
	else
		answer(p, 204, "");
}

/* NULL, or why that cannot be loaded. */
static const char *
load_error(const cJSON *o)
{
	const cJSON *backend = cJSON_GetObjectItem(o, "mem_backend");
	const char *memory = backend ? text(backend, "backend_path") :
	    text(o, "mem_file_path");
	FILE *f = fopen(text(o, "snapshot_path"), "re");
	bool read = f && fscanf(f, "%107s", uds) == 1;

	if (f)
		fclose(f);
	if (!read)
		return "Load snapshot error: its state cannot be read";
	if (access(memory, R_OK))
		return "Load snapshot error: its memory cannot be read";
	vsock = bind_to(uds);
	return vsock < 0 ? "Load snapshot error: Vsock config error" : NULL;
}

/* One that fails is the end of it. */
static void
load(struct peer *p, const cJSON *o)
{
	const cJSON *backend = cJSON_GetObjectItem(o, "mem_backend");
	const char *why = NULL;

	if (started) {
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
	started = true;
	paused = !cJSON_IsTrue(cJSON_GetObjectItem(o, "resume_vm"));
	restored = paused;
	answer(p, 204, "");
	if (!paused)
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
		    id, paused ? "Paused" : started ? "Running" :
		    "Not started", version);
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
	} else if (!strcmp(method, "PUT") && started &&
	    known(path + 1)) {
		fault(p, "The requested operation is not supported after "
		    "starting the microVM.");
	} else {
		fault(p, "Invalid request method and/or path");
	}
	cJSON_Delete(o);
}

static void
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

/* --- its life --------------------------------------------------------- */

static void
let_in(int listener, enum kind kind)
{
	int fd = accept(listener, NULL, NULL);

	for (struct peer *p = peers; fd >= 0 && p < peers + PEERS; p++)
		if (p->kind == FREE) {
			*p = (struct peer){ .kind = kind, .fd = fd };
			return;
		}
	close(fd);
}

static void
hear(struct peer *p)
{
	ssize_t n = read(p->fd, p->buf + p->have, REQUEST - p->have);

	if (n <= 0) {
		hang_up(p);
		return;
	}
	p->have += (size_t)n;
	if (p->kind == API)
		on_api(p);
	else if (p->kind == LINE)
		on_line(p);
	if (p->kind == AGENT)
		on_agent(p);
}

/* A guest that is paused hears nothing. */
static void
turn(void)
{
	struct pollfd fds[PEERS + 2];

	for (int i = 0; i < PEERS; i++)
		fds[i] = (struct pollfd){ .events = POLLIN,
			.fd = peers[i].kind == FREE ||
			(paused && peers[i].kind == AGENT) ? -1 :
			peers[i].fd };
	fds[PEERS] = (struct pollfd){ .fd = api, .events = POLLIN };
	fds[PEERS + 1] = (struct pollfd){ .fd = vsock, .events = POLLIN };
	if (poll(fds, PEERS + 2, -1) < 0)
		exit(1);
	for (int i = 0; i < PEERS; i++)
		if (fds[i].revents)
			hear(&peers[i]);
	if (fds[PEERS].revents)
		let_in(api, API);
	if (fds[PEERS + 1].revents)
		let_in(vsock, LINE);
}

/* What is written behind the program. */
static void
read_part(void)
{
	char tail[128] = "", *at;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), a, b, c;

	if (fd >= 0 && lseek(fd, -(off_t)sizeof(tail) + 1, SEEK_END) > 0 &&
	    read(fd, tail, sizeof(tail) - 1) > 0)
		close(fd);
	for (size_t i = 0; i < sizeof(tail) - 1; i++)
		if (!tail[i])
			tail[i] = ' ';
	at = strstr(tail, "fakefc: ");
	if (at)
		sscanf(at, "fakefc: version=%31s mode=%31s", version, mode);
	if (sscanf(version, "%d.%d.%d", &a, &b, &c) == 3)
		number = a * 1000000 + b * 1000 + c;
}

static void
before(void)
{
	if (!strcmp(mode, "dies"))
		fail("it rains");
	if (!strcmp(mode, "killed"))
		raise(SIGILL);
	if (!strcmp(mode, "hangs"))
		for (;;)
			pause();
}

static void
play(const char *config)
{
	before();
	say("main", "Running Firecracker v%s", version);
	api = bind_to(api_path);
	if (api < 0)
		fail("Failed to open the API socket at: %s. Check that it is "
		    "not already used.", api_path);
	if (config)
		build(config);
	if (!strcmp(mode, "resets"))
		end(0);
	if (started && strcmp(mode, "silent"))
		announce();
	for (;;)
		turn();
}

int
main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "version", no_argument, NULL, 'v' },
		{ "id", required_argument, NULL, 'i' },
		{ "api-sock", required_argument, NULL, 'a' },
		{ "config-file", required_argument, NULL, 'c' },
		{ "log-path", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	const char *config = NULL;
	int opt;

	read_part();
	signal(SIGPIPE, SIG_IGN);
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'v':
			if (!strcmp(mode, "mute"))
				for (;;)
					pause();
			printf("Firecracker v%s\n\n", version);
			return 0;
		case 'i': id = optarg; break;
		case 'a': api_path = optarg; break;
		case 'c': config = optarg; break;
		case 'l': log_path = optarg; break;
		default: return 153;
		}
	}
	if (!api_path)
		return 153;
	play(config);
}
