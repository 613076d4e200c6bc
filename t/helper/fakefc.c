/* fakefc - Firecracker without KVM: its command line, its parsers, its sockets
 *
 * SPDX-License-Identifier: MIT
 *
 * It refuses what the real one of its version refuses: fields that it does not
 * know, files that are not there, sockets in the way, requests in the wrong
 * phase. Its guest is an agent that configures nothing.
 *
 * What may be read is confined, as the real one is, so what it plays is written
 * behind the program: "fakefc: version=1.12.1 mode=ok", see play(). The guest
 * does what the first word of an exec says, see fakefc/guest.c.
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
#include "fakefc/fakefc.h"

/* lib asks for it; here is no applet. */
const struct applet *self;

enum { PEERS = 64 };

struct fake fake = { .version = "1.12.1", .mode = "ok", .number = 1012001,
	.id = "anonymous-instance", .vsock = -1 };

static struct peer peers[PEERS];
static const char *api_path, *log_path;
static int api = -1;

/* --- what it says ----------------------------------------------------- */

void
say(const char *thread, const char *fmt, ...)
{
	FILE *f = log_path ? fopen(log_path, "ae") : stdout;
	struct timespec t;
	va_list ap;

	if (!f)
		exit(1);
	clock_gettime(CLOCK_REALTIME, &t);
	fprintf(f, "%lld.%09ld [%s:%s] ", (long long)t.tv_sec, t.tv_nsec,
	    fake.id, thread);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fputc('\n', f);
	if (f == stdout)
		fflush(f);
	else
		fclose(f);
}

void
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

void
end(int status)
{
	fflush(stdout);
	_exit(status);
}

/* --- the machine that it is told to be -------------------------------- */

const char *
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

int
bind_to(const char *path)
{
	struct sockaddr_un sun;
	int fd = socket_of(path, &sun);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) ||
	    listen(fd, 128))
		return -1;
	return fd;
}

int
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
	snprintf(fake.uds, sizeof(fake.uds), "%s", text(o, "uds_path"));
	if (o && (fake.vsock = bind_to(fake.uds)) < 0)
		fail("Failed to build MicroVM from Json: Vsock config error: "
		    "Error binding to the host-side Unix socket: %s",
		    strerror(errno));
	fake.started = true;
	say("main", "Successfully started microvm that was configured from "
	    "one single json");
}

/* --- its life --------------------------------------------------------- */

void
hang_up(struct peer *p)
{
	close(p->fd);
	p->kind = FREE;
}

void
take_in(int fd, enum kind kind)
{
	for (struct peer *p = peers; fd >= 0 && p < peers + PEERS; p++)
		if (p->kind == FREE) {
			*p = (struct peer){ .kind = kind, .fd = fd };
			return;
		}
	close(fd);
}

void
forget(void)
{
	for (struct peer *p = peers; p < peers + PEERS; p++)
		if (p->kind == AGENT)
			p->kind = STALE;
	forget_host();
}

static void
hear(struct peer *p)
{
	ssize_t n = read(p->fd, p->buf + p->have, REQUEST - p->have);

	if (n <= 0 || p->kind == STALE) {
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
	bool deaf = fake.paused || fake.fickle;
	struct pollfd fds[PEERS + 2];

	for (int i = 0; i < PEERS; i++)
		fds[i] = (struct pollfd){ .events = POLLIN,
			.fd = peers[i].kind == FREE ||
			(deaf && peers[i].kind == AGENT) ? -1 :
			peers[i].fd };
	fds[PEERS] = (struct pollfd){ .fd = api, .events = POLLIN };
	fds[PEERS + 1] = (struct pollfd){ .fd = fake.vsock, .events = POLLIN };
	if (poll(fds, PEERS + 2, -1) < 0)
		exit(1);
	for (int i = 0; i < PEERS; i++)
		if (fds[i].revents)
			hear(&peers[i]);
	if (fds[PEERS].revents)
		take_in(accept(api, NULL, NULL), API);
	if (fds[PEERS + 1].revents)
		take_in(accept(fake.vsock, NULL, NULL), LINE);
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
		sscanf(at, "fakefc: version=%31s mode=%31s", fake.version,
		    fake.mode);
	if (sscanf(fake.version, "%d.%d.%d", &a, &b, &c) == 3)
		fake.number = a * 1000000 + b * 1000 + c;
}

static void
before(void)
{
	if (!strcmp(fake.mode, "dies"))
		fail("it rains");
	if (!strcmp(fake.mode, "killed"))
		raise(SIGILL);
	if (!strcmp(fake.mode, "hangs"))
		for (;;)
			pause();
}

static void
play(const char *config)
{
	before();
	say("main", "Running Firecracker v%s", fake.version);
	api = bind_to(api_path);
	if (api < 0)
		fail("Failed to open the API socket at: %s. Check that it is "
		    "not already used.", api_path);
	if (config)
		build(config);
	if (!strcmp(fake.mode, "resets"))
		end(0);
	/* Somebody may be waiting by then. */
	fake.fickle = !strcmp(fake.mode, "fickle");
	if (fake.fickle)
		poll(NULL, 0, 300);
	if (fake.started && strcmp(fake.mode, "silent"))
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
			if (!strcmp(fake.mode, "mute"))
				for (;;)
					pause();
			printf("Firecracker v%s\n\n", fake.version);
			return 0;
		case 'i': fake.id = optarg; break;
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
