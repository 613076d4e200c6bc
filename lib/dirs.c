/* dirs.c - where banger keeps things; see dirs.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bng.h"
#include "dirs.h"
#include "name.h"

#define STATE_VERSION "1"	/* of a state without a file version, too */

/* An environment variable, if it holds an absolute path: XDG's rule. */
static const char *
env_path(const char *name)
{
	const char *v = getenv(name);

	return v && v[0] == '/' ? v : NULL;
}

/* Our own: not set is one thing, not absolute a mistake. */
static const char *
own_path(const char *name)
{
	const char *v = getenv(name);

	if (v && *v && *v != '/')
		die("cannot use %s: '%s' is not an absolute path", name, v);
	return v && *v ? v : NULL;
}

static char *
find(const char *own, const char *xdg, const char *below_home)
{
	const char *v = own_path(own);

	if (v)
		return xstrdup(v);
	v = env_path(xdg);
	if (v)
		return xasprintf("%s/banger", v);
	if (!below_home)
		return NULL;
	v = env_path("HOME");
	if (!v)
		die("cannot find a place for %s: HOME is %s", own,
		    getenv("HOME") ? "not an absolute path" : "not set");
	return xasprintf("%s/%s/banger", v, below_home);
}

/* A state of another form is not ours to read, still less to collect. */
static void
check_version(const char *dir)
{
	char line[24];
	ssize_t n;
	autoclose int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	n = fd < 0 ? -ENOENT : file_line(fd, "version", line, sizeof(line));
	if (n == -ENOENT || (n >= 0 && !strcmp(line, STATE_VERSION)))
		return;
	if (n > 0 && *line != '0' && strspn(line, "0123456789") == (size_t)n)
		die("cannot use '%s': it was written by a newer banger, in "
		    "version %s; this one knows " STATE_VERSION, dir, line);
	die("cannot use '%s': its file version does not say "
	    STATE_VERSION, dir);
}

const char *
dir_state(void)
{
	static char *dir;

	if (dir)
		return dir;
	dir = find("BANGER_STATE", "XDG_STATE_HOME", ".local/state");
	check_version(dir);
	return dir;
}

const char *
dir_cache(void)
{
	static char *dir;

	if (!dir)
		dir = find("BANGER_CACHE", "XDG_CACHE_HOME", ".cache");
	return dir;
}

const char *
dir_run(void)
{
	static char *dir;

	if (!dir)
		dir = find("BANGER_RUN", "XDG_RUNTIME_DIR", NULL);
	if (!dir)
		dir = xasprintf("%s/run", dir_state());
	return dir;
}

int
dir_make(const char *path)
{
	autofree char *copy = xstrdup(path);

	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0700) && errno != EEXIST)
			return -1;
		*p = '/';
	}
	return mkdir(copy, 0700) && errno != EEXIST ? -1 : 0;
}

int
xvm_open(const char *ref)
{
	autofree char *path = NULL;
	const char *bad;
	int fd;

	if (strchr(ref, '/')) {
		fd = open(ref, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			die_sys("cannot open the machine's directory '%s'",
			    ref);
		return fd;
	}
	bad = vm_name_error(ref);
	if (bad)
		die_usage("bad name '%s': %s", ref, bad);
	path = xasprintf("%s/vms/%s", dir_state(), ref);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		die_status(EXIT_NO, "there is no machine '%s'", ref);
	if (fd < 0)
		die_sys("cannot open '%s'", path);
	return fd;
}

char *
xfd_path(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		die_sys("cannot read '%s'", link);
	path[n] = '\0';
	return xstrdup(path);
}

/* /proc/self/fd/N/name: short, whatever the directory is called. */
static int
address(struct sockaddr_un *sun, int dirfd, const char *name)
{
	int n;

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	n = snprintf(sun->sun_path, sizeof(sun->sun_path),
	    "/proc/self/fd/%d/%s", dirfd, name);
	return n < 0 || (size_t)n >= sizeof(sun->sun_path) ? -ENAMETOOLONG : 0;
}

/* Within so many milliseconds; -1: however long it takes. */
static int
connect_at(int dirfd, const char *name, int ms)
{
	struct timeval within = { ms / 1000, ms % 1000 * 1000 };
	struct sockaddr_un sun;
	int r = address(&sun, dirfd, name);
	autoclose int fd = -1;

	if (r)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
	    (ms ? 0 : SOCK_NONBLOCK), 0);
	if (fd < 0 || (ms > 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO,
	    &within, sizeof(within))) ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)))
		return -errno;
	return steal_fd(&fd);
}

int
sock_connect_at(int dirfd, const char *name)
{
	return connect_at(dirfd, name, -1);
}

int
sock_connect_within(int dirfd, const char *name, int ms)
{
	return connect_at(dirfd, name, ms);
}

int
sock_listen_at(int dirfd, const char *name, int backlog)
{
	struct sockaddr_un sun;
	mode_t old;
	int r = address(&sun, dirfd, name);
	autoclose int fd = -1;

	if (r)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	old = umask(0177);
	r = bind(fd, (struct sockaddr *)&sun, sizeof(sun)) ? -errno : 0;
	umask(old);
	if (!r && listen(fd, backlog))
		r = -errno;
	return r ? r : steal_fd(&fd);
}
