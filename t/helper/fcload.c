/* fcload.c - load a snapshot into Firecracker by hand, until its agent answers
 *
 * usage: fcload VMDIR IMAGEDIR KERNELDIR SNAPSHOT
 *
 * Firecracker (in PATH) gets the three directories as descriptors 4, 5 and 6,
 * where those in the snapshot were; it is told to load SNAPSHOT/state and
 * SNAPSHOT/memory and to go on. The agent connects to the host when it has
 * noticed that (who asks it before waits for nothing, some 100 ms); when it has
 * answered a ping over the vsock then: exit 0, and that kills Firecracker. Its
 * end is not waited for.
 */
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "api.h"
#include "bng.h"
#include "dirs.h"
#include "frame.h"

static const struct applet fcload = { "fcload",
	"usage: fcload VMDIR IMAGEDIR KERNELDIR SNAPSHOT\n\n", NULL, PLAIN };
const struct applet *self = &fcload;

enum { FIRST = 4, DIRS = 3, TRIES = 20000, MS = 60000 };

static void
start(char *dirs[])
{
	pid_t us = getpid(), pid = fork();

	if (pid < 0)
		die_sys("cannot start Firecracker");
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != us)
		_exit(126);
	close_range(3, ~0U, 0);
	open("/dev/null", O_RDONLY);
	for (int i = 0; i < DIRS; i++)
		if (open(dirs[i], O_RDONLY | O_DIRECTORY) != FIRST + i)
			_exit(126);
	execlp("firecracker", "firecracker", "--api-sock",
	    "/proc/self/fd/4/api.sock", (char *)NULL);
	_exit(127);
}

static void
nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* PUT /snapshot/load, as soon as it listens. */
static void
load(int vm, const char *snapshot)
{
	autofree char *body = xasprintf("{\"snapshot_path\":\"%s/state\","
	    "\"mem_backend\":{\"backend_type\":\"File\",\"backend_path\":"
	    "\"%s/memory\"},\"resume_vm\":true}", snapshot, snapshot);
	static struct api a;
	int r, tries = 0;

	while ((r = api_call(&a, vm, "api.sock", "PUT", "/snapshot/load",
	    body, MS)) == -ENOENT || r == -ECONNREFUSED) {
		if (tries++ > TRIES)
			break;
		nap();
	}
	if (r)
		die("cannot load '%s': %s: %s", snapshot, strerror(-r),
		    a.status ? a.body : "");
}

/* Until the agent says that it is there. */
static void
hear(int hello)
{
	struct pollfd p = { .fd = hello, .events = POLLIN };

	if (poll(&p, 1, MS) != 1)
		die("the agent does not say that it is there");
	/* It is let in, as long as this process lives. */
	if (accept4(hello, NULL, NULL, SOCK_CLOEXEC) < 0)
		die_sys("cannot let the agent in");
}

/* A ping on a connection of its own; false when nobody is there yet. */
static bool
pinged(int vm)
{
	static const char line[] = "CONNECT 2\n",
	    ping[] = "{\"v\":1,\"op\":\"ping\"}";
	struct timeval most = { .tv_usec = 200000 };
	uint8_t head[FRAME_HEAD];
	char answer[256];
	autoclose int fd = sock_connect_at(vm, "vsock.sock");

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	frame_put_head(head, CH_CONTROL, sizeof(ping) - 1);
	return send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL) > 0 &&
	    recv(fd, answer, sizeof(answer), 0) > 0 &&
	    !memcmp(answer, "OK ", 3) &&
	    send(fd, head, sizeof(head), MSG_NOSIGNAL) > 0 &&
	    send(fd, ping, sizeof(ping) - 1, MSG_NOSIGNAL) > 0 &&
	    recv(fd, answer, sizeof(answer), 0) > 0;
}

int
main(int argc, char *argv[])
{
	int vm, hello, tries = 0;
	bool yes = false;

	msg_name = "fcload";
	if (argc != 5)
		die_usage("four directories are needed");
	vm = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (vm < 0)
		die_sys("cannot open '%s'", argv[1]);
	unlinkat(vm, "api.sock", 0);
	unlinkat(vm, "vsock.sock", 0);
	unlinkat(vm, "vsock.sock_1024", 0);
	hello = sock_listen_at(vm, "vsock.sock_1024", 1);
	if (hello < 0)
		die("cannot listen: %s", strerror(-hello));
	start(argv + 1);
	load(vm, argv[4]);
	hear(hello);
	while (!(yes = pinged(vm)) && tries++ < TRIES)
		nap();
	return yes ? EXIT_YES : EXIT_NO;
}
