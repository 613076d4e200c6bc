/* grow.c - make an ext4 image larger
 *
 * SPDX-License-Identifier: MIT
 *
 * libext2fs cannot; resize2fs can, of an image that e2fsck has just checked
 * (which also brings home what its journal holds). Both are e2fsprogs, as the
 * library is. resize2fs that is killed, or finds the host's disk full, leaves
 * a ruin: it works on a copy, which then takes the image's name. The copy is
 * called .IMAGE.PID, as gc knows files that nobody will finish.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "copy.h"
#include "disk.h"

noreturn_fn static void
child(int out, char *argv[])
{
	autofree char *path = xasprintf("%s:/usr/sbin:/sbin",
	    getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");

	setenv("PATH", path, 1);
	setenv("LC_ALL", "C", 1);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execvp(argv[0], argv);
	_exit(127);
}

/* What the tool said last, as one line. */
static void
last_line(int out, char *buf, size_t size)
{
	off_t end = lseek(out, 0, SEEK_END);
	off_t from = end > (off_t)size - 1 ? end - (off_t)size + 1 : 0;
	ssize_t n = pread(out, buf, size - 1, from);
	char *nl;

	buf[n > 0 ? n : 0] = '\0';
	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == ' '))
		buf[--n] = '\0';
	nl = strrchr(buf, '\n');
	if (nl)
		memmove(buf, nl + 1, strlen(nl));
}

/* Run a tool of e2fsprogs; statuses above most are failures. */
static void
run(const char *image, int most, char *argv[])
{
	char text[512];
	int status;
	pid_t pid;
	autoclose int out = memfd_create("output", MFD_CLOEXEC);

	if (out < 0)
		die_sys("cannot grow '%s'", image);
	pid = fork();
	if (pid < 0)
		die_sys("cannot grow '%s'", image);
	if (!pid)
		child(out, argv);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die_sys("cannot grow '%s'", image);
	if (WIFEXITED(status) && WEXITSTATUS(status) <= most)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		die("cannot grow '%s': %s is not there; install e2fsprogs",
		    image, argv[0]);
	last_line(out, text, sizeof(text));
	die("cannot grow '%s': %s: %s", image, argv[0], text);
}

/* Of the same owner; its path, which goes unless it is forgotten. */
static char *
copy_of(const char *path, const struct stat *st, int *ret_undo)
{
	autofree char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');
	const char *name = slash ? slash + 1 : dir;
	autofree char *as = xasprintf(".%s.%ld", name, (long)getpid());
	char *copy;
	int r;
	autoclose int fd = -1;

	if (slash)
		*slash = '\0';
	copy = xasprintf("%s/%s", !slash ? "." : *dir ? dir : "/", as);
	fd = xopen(!slash ? "." : *dir ? dir : "/", O_RDONLY | O_DIRECTORY, 0);
	*ret_undo = undo_unlink(copy);
	r = copy_disk_at(fd, name, fd, as);
	if (!r && (chmod(copy, st->st_mode & 07777) ||
	    chown(copy, st->st_uid, st->st_gid)))
		r = -errno;
	if (r) {
		errno = -r;
		die_sys("cannot grow '%s'", path);
	}
	return copy;
}

/* It is on the disk before it has the name. */
static void
take_place(const char *copy, const char *path)
{
	autoclose int fd = xopen(copy, O_RDONLY, 0);

	if (fsync(fd) || rename(copy, path))
		die_sys("cannot grow '%s'", path);
}

int
grow_main(int argc, char *argv[])
{
	char fsck[] = "e2fsck", resize[] = "resize2fs";
	char yes[] = "-fp", no[] = "-fn";
	autofree char *path = NULL, *copy = NULL;
	int64_t size, now;
	struct stat st;
	int undo;
	autoclose int fd = -1;

	opterr = 0;
	if (getopt(argc, argv, "+:") != -1)
		bad_option('?');
	if (optind + 2 != argc)
		die_usage("grow needs an image and a size");
	size = xsize(argv[optind + 1], 1, "size") & ~(BLOCK - 1LL);
	/* A name must not look like an option to the tools. */
	path = xasprintf("%s%s", *argv[optind] == '-' ? "./" : "",
	    argv[optind]);
	fd = image_lock(path);
	if (fstat(fd, &st))
		die_sys("cannot grow '%s'", path);
	now = st.st_size;
	if (size < now)
		die("cannot grow '%s': it has %lld MiB already", path,
		    (long long)(now >> 20));
	copy = copy_of(path, &st, &undo);
	run(path, 1, (char *[]){ fsck, yes, copy, NULL });
	if (truncate(copy, size))
		die_sys("cannot grow '%s'", path);
	run(path, 0, (char *[]){ resize, copy, NULL });
	/* It is content also when a write of its failed. */
	run(path, 0, (char *[]){ fsck, no, copy, NULL });
	take_place(copy, path);
	undo_forget(undo);
	return EXIT_YES;
}
