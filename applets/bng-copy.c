/* bng-copy - copy files and trees into a machine and out of it
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: bng-copy to VM SOURCE PATH
 *        bng-copy from [-m SIZE] VM PATH TARGET
 *        bng-copy pack DIR <NAMES >TAR
 *
 * As `cp -a` would: modes, times, links, holes and attributes are kept, what
 * is called TARGET is replaced, and a TARGET that is a directory is copied
 * into. A SOURCE that ends in "/." is the content of that directory. SOURCE or
 * TARGET may be "-", a tar stream. A PATH that does not begin with a slash is
 * relative to /root.
 *
 * Our own files are root's in there, and root's are ours here. What comes out
 * of a machine is a stranger's: no devices, no set-id bits of files.
 *
 *   -m  take no more than SIZE (of what is no hole); else as much as the
 *       machine's disks and memory can hold
 *
 * pack makes the tar stream that a machine takes with the least work, of what
 * is in DIR under NAMES, each ended by a NUL byte: as root's, hard links apart,
 * without attributes, a directory without what is in it.
 *
 * exit: 0 done, 1 no (not running, not there, not all could be read), 100
 *       wrong usage, 111 failed
 */
#include <signal.h>
#include <sys/wait.h>

#include "archive.h"
#include "ask.h"
#include "bng.h"
#include "extract.h"
#include "store.h"
#include "vm.h"

enum { PIPE = 1 << 20, COMPLAINTS = 20 };

/* The name under which cp(1) would put it; "" for the content alone. */
static void
name_of(const char *path, char name[256])
{
	size_t end = strlen(path), from;

	while (end && path[end - 1] == '/')
		end--;
	from = end;
	while (from && path[from - 1] != '/')
		from--;
	if (end - from > 255)
		die_status(EXIT_NO, "cannot copy '%s': the name is too long",
		    path);
	snprintf(name, 256, "%.*s", (int)(end - from), path + from);
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		*name = '\0';
}

static bool
ends_in_slash(const char *path)
{
	size_t len = strlen(path);

	return len && path[len - 1] == '/';
}

/* A path in the machine, absolute. */
static char *
inside(const char *path)
{
	if (*path == '/')
		return xstrdup(path);
	if (!strcmp(path, "~") || !strncmp(path, "~/", 2))
		path += path[1] ? 2 : 1;
	return *path ? xasprintf("/root/%s", path) : xstrdup("/root");
}

/* What the machine complained of, a line each. */
static void
pass_on(char *text)
{
	int n = 0;

	for (char *line = text, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (n++ < COMPLAINTS)
			warn("%s", line);
	}
	if (n > COMPLAINTS)
		warn("and %d more", n - COMPLAINTS);
}

static int
make_pipe(int p[2])
{
	if (pipe2(p, O_CLOEXEC))
		die_sys("cannot make a pipe");
	fcntl(p[0], F_SETPIPE_SZ, PIPE);
	return fork();
}

static void
cannot_read(const char *path)
{
	warn_sys("cannot read '%s'", path);
}

/*
 * Into a machine: a child reads the tree, we talk
 */

noreturn_fn static void
send_tree(const char *source, int fd)
{
	static struct archive a;

	a.out.fd = fd;
	a.out.ours_is_root = true;
	a.out.brief = true;
	a.complain = cannot_read;
	exit(archive_tree(&a, source, ends_in_slash(source)));
}

/*
 * A child that reads the tree for t; from where it is to be sent. It has
 * neither that end, so that it goes when we do, nor the machine's socket.
 */
static int
start_reader(struct talk *t, const char *source, pid_t *ret_pid)
{
	int p[2];

	*ret_pid = make_pipe(p);
	if (*ret_pid < 0)
		die_sys("cannot start a process");
	if (!*ret_pid) {
		close(p[0]);
		close(t->sock);
		signal(SIGPIPE, SIG_DFL);
		send_tree(source, p[1]);
	}
	close(p[1]);
	return p[0];
}

static bool
child_failed(pid_t pid)
{
	int status;

	if (pid <= 0)
		return false;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* The machine's own words for why not, without what we have said already. */
static const char *
why_not(struct talk *t, int status)
{
	static const char same[] = "cannot extract ";
	const char *text;

	if (status == TALK_LOST)
		return ask_lost_why();
	if (status == TALK_FAILED)
		return t->why;
	text = ask_first_line(t->text[1]);
	if (!strncmp(text, same, sizeof(same) - 1))
		text += sizeof(same) - 1;
	return *text ? text : "it gave no reason";
}

static int
to_main(int argc, char *argv[])
{
	struct talk t = { .in = STDIN_FILENO, .out = -1, .err = -1 };
	cJSON *o = ask_request("put");
	const char *source = argv[2];
	struct stat st;
	char name[256];
	pid_t pid = 0;
	int status;

	if (argc != 4)
		die_usage("a machine, a source and a path are expected");
	cJSON_AddStringToObject(o, "path", inside(argv[3]));
	if (strcmp(source, "-")) {
		name_of(source, name);
		cJSON_AddStringToObject(o, "as", name);
		if (fstatat(AT_FDCWD, source, &st, ends_in_slash(source) ? 0 :
		    AT_SYMLINK_NOFOLLOW))
			die_status(EXIT_NO, "cannot copy '%s': %s", source,
			    strerror(errno));
	}
	ask_open(&t, argv[1], AGENT_WAITING, EXIT_NO);
	if (strcmp(source, "-"))
		t.in = start_reader(&t, source, &pid);
	status = talk_run(&t, ask_text(o));
	close(t.in);
	if (status)
		die_status(EXIT_NO, "cannot copy to machine '%s': %s",
		    argv[1], why_not(&t, status));
	return child_failed(pid) ? EXIT_NO : EXIT_YES;
}

/*
 * Out of a machine: a child talks, we extract
 */

/* Its complaints are passed on; true when it had none. */
static bool
fetch(struct talk *t, const char *vm, cJSON *o)
{
	int status = talk_run(t, ask_text(o));

	if (status < 0)
		warn("cannot copy from machine '%s': %s", vm,
		    why_not(t, status));
	else
		pass_on(t->text[1]);
	return !status;
}

static uint64_t
value_of(const char *key)
{
	int64_t n;

	return file_num(ask_dir, key, 0, INT64_MAX / 8, &n) ? 0 : (uint64_t)n;
}

/* As much as a machine can hold: two disks, its image and its memory. */
static uint64_t
capacity(void)
{
	enum { SLACK = 1 << 30 };
	uint64_t disk = value_of("disk_bytes"), image = 0;
	char path[4096];
	struct stat st;

	if (store_of_vm(&store_images, ask_dir, path, sizeof(path)) > 0) {
		autofree char *rootfs = xasprintf("%s/rootfs.ext4", path);

		image = stat(rootfs, &st) ? 0 : (uint64_t)st.st_size;
	}
	return 2 * disk + image + (value_of("memory_mib") << 20) + SLACK;
}

static ssize_t
from_pipe(void *ctx, void *buf, size_t size)
{
	ssize_t n;

	do
		n = read(*(int *)ctx, buf, size);
	while (n < 0 && errno == EINTR);
	return n;
}

/* Take what comes through fd; why not, or NULL. */
static const char *
take(int fd, const char *target, const char *name, uint64_t most)
{
	enum { INODE_RATIO = 8192, SOME = 100000 };
	static uint8_t rest[65536];
	static struct tar_in t;
	static struct extract x;

	t.read = from_pipe;
	t.ctx = &fd;
	x = (struct extract){ .path = target, .as = name, .guarded = true,
		.max_bytes = most, .max_members = most / INODE_RATIO + SOME,
		.t = &t };
	switch (extract_run(&x)) {
	case 0:
		while (from_pipe(&fd, rest, sizeof(rest)) > 0)
			;
		return NULL;
	case -1:
		return x.why;
	default:
		return t.error;
	}
}

static int
from_tree(struct talk *t, cJSON *o, const char *vm, const char *target,
    const char *name, uint64_t most)
{
	const char *why;
	int p[2], failed;
	pid_t pid = make_pipe(p);

	if (pid < 0)
		die_sys("cannot start a process");
	if (!pid) {
		close(p[0]);
		t->out = p[1];
		exit(fetch(t, vm, o) ? EXIT_YES : EXIT_NO);
	}
	close(p[1]);
	close(t->sock);
	why = take(p[0], target, name, most);
	close(p[0]);
	failed = child_failed(pid);
	/* One that was cut short has been explained by who read it. */
	if (why && (!failed || strcmp(why, "it is cut short")))
		die_status(EXIT_NO, "cannot copy from machine '%s': %s", vm,
		    why);
	return why || failed ? EXIT_NO : EXIT_YES;
}

static int
from_main(int argc, char *argv[])
{
	struct talk t = { .in = -1, .out = STDOUT_FILENO, .err = -1 };
	cJSON *o = ask_request("get");
	uint64_t most = 0;
	char name[256];
	char **arg;
	int opt;

	while ((opt = getopt(argc, argv, "+m:")) != -1)
		if (opt == 'm')
			most = (uint64_t)xsize(optarg, 1, "size");
		else
			die_usage("unknown option");
	arg = argv + optind;
	if (argc - optind != 3)
		die_usage("a machine, a path and a target are expected");
	name_of(arg[1], name);
	cJSON_AddStringToObject(o, "path", inside(arg[1]));
	cJSON_AddBoolToObject(o, "link", !ends_in_slash(arg[1]));
	ask_open(&t, arg[0], AGENT_WAITING, EXIT_NO);
	if (!strcmp(arg[2], "-"))
		return fetch(&t, arg[0], o) ? EXIT_YES : EXIT_NO;
	return from_tree(&t, o, arg[0], arg[2], name,
	    most ? most : capacity());
}

/*
 * The stream alone
 */

static void
left_out(const char *path)
{
	warn_sys("'%s'", path);
}

noreturn_fn static void
not_written(int error)
{
	errno = error;
	die_stdout();
}

static int
pack_main(int argc, char *argv[])
{
	static struct archive a;
	int dir, status;

	if (argc != 2)
		die_usage("a directory is expected");
	dir = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		die_status(EXIT_NO, "cannot open '%s': %s", argv[1],
		    strerror(errno));
	a.out.fd = STDOUT_FILENO;
	a.out.brief = true;
	a.out.failed = not_written;
	a.complain = left_out;
	status = archive_names(&a, dir, stdin);
	if (status < 0)
		die("cannot read the names: %s", strerror(-status));
	return status ? EXIT_NO : EXIT_YES;
}

static int
copy_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "to", to_main }, { "from", from_main },
		{ "pack", pack_main }, { NULL, NULL },
	};

	opterr = 0;
	return verbs_run(verbs, argc, argv);
}

APPLET(copy, PLAIN);
