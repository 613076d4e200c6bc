/* helper.c - the programs that keep passwords for docker
 *
 * SPDX-License-Identifier: MIT
 * https://github.com/docker/docker-credential-helpers
 *
 * "docker-credential-NAME get" reads a registry's name and writes a JSON
 * object with Username and Secret. It may have to ask the person, so it gets
 * its time; but not for ever, and not to say more than a login can be.
 */
#include <cjson/cJSON.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "bng.h"
#include "pull.h"
#include "spawn.h"

enum { ANSWER_MAX = 64 << 10, PATIENCE_MS = 60 * 1000 };

static bool
plain_name(const char *name)
{
	return *name && strlen(name) < 64 && strspn(name,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "-_.") == strlen(name);
}

/* All that it says, in time and of a size; -errno. */
static ssize_t
listen_to(int fd, char buf[ANSWER_MAX])
{
	int64_t end = now_ms() + PATIENCE_MS;
	size_t have = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = end - now_ms();
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return -ETIMEDOUT;
		n = read(fd, buf + have, ANSWER_MAX - have);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return (ssize_t)have;
		have += n > 0 ? (size_t)n : 0;
		if (have == ANSWER_MAX)
			return -EFBIG;
	}
}

static int
understand(struct login *l, const char *text, size_t n)
{
	cJSON *j = json_read(text, n);
	const char *user = json_text(j, "Username");
	const char *secret = json_text(j, "Secret");
	int r = user && secret ? 0 : -EBADMSG;

	if (!r && !strcmp(user, "<token>")) {
		l->identity = xstrdup(secret);
	} else if (!r) {
		l->user = xstrdup(user);
		l->password = xstrdup(secret);
	}
	cJSON_Delete(j);
	return r;
}

/* Start it, its stdin holding the host; its pid, and what it writes. */
static pid_t
start(const char *name, const char *path, const char *host, int *ret_out)
{
	autofree char *shown = xasprintf("docker-credential-%s", name);
	char *argv[] = { shown, (char *)(uintptr_t)"get", NULL };
	struct spawn sp = { .argv = argv, .path = path, .nfds = 3 };
	int in[2], out[2];
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		die_sys("cannot make a pipe");
	/* It fits into the pipe: a host is shorter than PIPE_BUF. */
	xwrite(in[1], host, strlen(host), "a pipe");
	close(in[1]);
	sp.fds[0] = in[0];
	sp.fds[1] = out[1];
	sp.fds[2] = STDERR_FILENO;
	pid = spawn(&sp);
	close(in[0]);
	close(out[1]);
	*ret_out = out[0];
	return pid;
}

int
helper_ask(struct login *ret, const char *name, const char *host)
{
	autofree char *program = NULL, *path = NULL;
	static char buf[ANSWER_MAX];
	autoclose int out = -1;
	int status = 0;
	ssize_t n;
	pid_t pid;

	if (!plain_name(name))
		return -EINVAL;
	program = xasprintf("docker-credential-%s", name);
	path = spawn_find(program);
	if (!path)
		return -ENOENT;
	pid = start(name, path, host, &out);
	if (pid < 0)
		return pid;
	n = listen_to(out, buf);
	if (n < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (n < 0)
		return (int)n;
	/* It fails when it knows nothing, and says so on stdout. */
	return status ? 0 : understand(ret, buf, (size_t)n);
}
