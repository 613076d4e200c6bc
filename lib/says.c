/* says.c - see says.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "bng.h"
#include "dirs.h"
#include "says.h"
#include "spawn.h"

enum { SAY_MS = 5000, KEY = 128, LINE = 512 };

/* What comes until the line's or the pipe's end, or has taken too long. */
static void
hear(int from, char *buf, size_t size)
{
	struct pollfd p = { .fd = from, .events = POLLIN };
	size_t have = 0;
	ssize_t n = 1;

	buf[0] = '\0';
	while (n > 0 && !strchr(buf, '\n') && have < size - 1 &&
	    poll(&p, 1, SAY_MS) == 1) {
		n = read(from, buf + have, size - 1 - have);
		have += n > 0 ? (size_t)n : 0;
		buf[have] = '\0';
	}
	buf[strcspn(buf, "\n")] = '\0';
	msg_clean(buf);
}

static int
ask(const char *path, char *buf, size_t size)
{
	static char version[] = "--version";
	char *const argv[] = { (char *)path, version, NULL };
	struct spawn sp = { .argv = argv, .path = path,
		.fds = { -1, -1, -1 }, .nfds = 3 };
	int out[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return -errno;
	sp.fds[1] = out[1];
	pid = spawn(&sp);
	close(out[1]);
	if (pid > 0)
		hear(out[0], buf, size);
	close(out[0]);
	if (pid < 0)
		return pid;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return buf[0] ? 0 : -ENODATA;
}

/* The cache file's name, and the words that its line must begin with. */
static int
identify(const char *path, char **ret_file, char key[KEY])
{
	const char *base = strrchr(path, '/');
	struct stat st;

	if (stat(path, &st))
		return -errno;
	snprintf(key, KEY, "%jx:%jx:%jd:%jd.%09ld ", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino, (intmax_t)st.st_size,
	    (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	*ret_file = xasprintf("version.%s", base ? base + 1 : path);
	return 0;
}

/* Made if need be, where there is a place for it; else -1. */
static int
open_cache(void)
{
	const char *dir = dir_cache();

	if (dir_make(dir))
		return -1;
	return open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int
says_version(const char *path, char *buf, size_t size)
{
	autofree char *file = NULL;
	char key[KEY], line[LINE];
	autoclose int dir = open_cache();
	int r = identify(path, &file, key);

	if (!r && dir >= 0 && file_line(dir, file, line, sizeof(line)) > 0 &&
	    !strncmp(line, key, strlen(key)) && line[strlen(key)]) {
		snprintf(buf, size, "%s", line + strlen(key));
		return 0;
	}
	if (!r)
		r = ask(path, buf, size);
	/* Without a cache it is asked again the next time. */
	if (!r && dir >= 0)
		file_note_line(dir, file, "%s%s", key, buf);
	return r;
}
