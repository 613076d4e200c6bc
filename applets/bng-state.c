/* bng-state - the state directory: machines as flat files, and locks
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: bng-state new [-g] [-m PID] [-n NAME] IMAGE [KEY=VALUE ...]
 *        bng-state clone [-g] [-m PID] [-n NAME] VM
 *        bng-state commit [-u] DIR
 *        bng-state del [-k] NAME
 *        bng-state set VM KEY=VALUE ...
 *        bng-state get VM KEY ...
 *        bng-state list [-jqr] [NAME ...]
 *        bng-state show [-j] NAME
 *        bng-state snapshots [-jq] [NAME ...]
 *        bng-state lock [-ns] [-p PLACES] [-t SECONDS] FD
 *        bng-state pick
 *        bng-state gc [-n]
 *
 * new makes a machine's directory under a name nobody sees and prints its
 * path; clone does so with the values of VM, but for what is its own; commit
 * gives it its name. A machine that was not committed belongs to the process
 * PID (by default the caller) and goes when that has ended.
 *
 *   -g  as gc first, which says on stderr what it does
 *   -j  JSON              -q  names only        -r  only what runs
 *   -m  the maker         -n  NAME of the machine; lock: do not wait; gc: only
 *                             say what would be done
 *   -k  del: one that runs is ended first
 *   -u  commit: it stays the maker's until its file `maker` goes
 *   -s  lock: beside others who do so, with a descriptor for reading
 *   -p  lock: one of so many places, when it is our turn; -t: if nobody gets
 *       one for that long (60), exit 1
 *
 * exit: 0 done; 1 no: taken, absent, running or busy; 2 there is no such
 *       image; 3 there is no such kernel; 100 wrong usage; 111 failed
 */
#include <signal.h>
#include <sys/prctl.h>

#include "bng.h"
#include "dirs.h"
#include "gc.h"
#include "lock.h"
#include "name.h"
#include "scratch.h"
#include "snaplist.h"
#include "turn.h"
#include "vm.h"
#include "vmctl.h"
#include "vmlist.h"
#include "vmnew.h"

noreturn_fn static void
bad_value(const char *key, const char *value, const char *why)
{
	die_status(EXIT_USAGE, "bad value '%s' for '%s': %s", value, key, why);
}

/* The options of new and clone, whose first operand is `what`. */
static void
parse_maker(struct vm_wish *w, int argc, char *argv[], const char *what)
{
	const char *bad;
	bool gc = false;
	int c;

	w->maker = getppid();
	while ((c = getopt(argc, argv, "gm:n:")) != -1)
		if (c == 'g')
			gc = true;
		else if (c == 'm')
			w->maker = (pid_t)xnum(optarg, 1, INT32_MAX, "process");
		else if (c == 'n')
			w->name = optarg;
		else
			die_usage("%s: unknown option", argv[0]);
	if (optind == argc)
		die_usage("%s: %s is missing", argv[0], what);
	bad = w->name ? vm_name_error(w->name) : NULL;
	if (bad)
		die_status(EXIT_USAGE, "bad name '%s': %s", w->name, bad);
	/* What it cannot do is no reason not to make a machine. */
	if (gc)
		(void)gc_run(false, stderr);
}

static void
parse_wish(struct vm_wish *w, int argc, char *argv[])
{
	const char *bad;

	parse_maker(w, argc, argv, "an image");
	w->image = argv[optind++];
	for (; optind < argc; optind++) {
		char *value = xkey_value(argv[optind]);

		bad = vm_value_error(argv[optind], value);
		if (bad)
			bad_value(argv[optind], value, bad);
		if (w->count == (int)ARRAY_SIZE(w->given))
			die_usage("too many values");
		w->given[w->count].key = argv[optind];
		w->given[w->count++].value = value;
	}
}

static int
new_main(int argc, char *argv[])
{
	struct vm_wish w = { 0 };
	int undo;

	parse_wish(&w, argc, argv);
	puts(xvm_new(&w, &undo));
	xflush();
	undo_forget(undo);
	return EXIT_YES;
}

static int
clone_main(int argc, char *argv[])
{
	struct vm_wish w = { 0 };
	int undo;

	parse_maker(&w, argc, argv, "a machine");
	if (argc - optind > 1)
		die_usage("clone: one machine is wanted");
	puts(xvm_clone(&w, xvm_open(argv[optind]), &undo));
	xflush();
	undo_forget(undo);
	return EXIT_YES;
}

/* The directory and the last component of a path, which is cut in two. */
static int
open_parent(char *path, char **ret_entry)
{
	char *slash;

	while ((slash = strrchr(path, '/')) && slash != path && !slash[1])
		*slash = '\0';
	*ret_entry = slash ? slash + 1 : path;
	if (!slash)
		return xopen(".", O_RDONLY | O_DIRECTORY, 0);
	*slash = '\0';
	return xopen(*path ? path : "/", O_RDONLY | O_DIRECTORY, 0);
}

static int
commit_main(int argc, char *argv[])
{
	char name[SCRATCH_NAME], yes[8];
	char *entry;
	bool whole = true;
	pid_t pid;
	int c, parent, fd, r;

	while ((c = getopt(argc, argv, "u")) != -1)
		if (c == 'u')
			whole = false;
		else
			die_usage("commit: unknown option");
	if (argc - optind != 1)
		die_usage("commit: one directory is wanted");
	parent = open_parent(argv[optind], &entry);
	if (!scratch_parse(entry, "new", name, &pid) || vm_name_error(name))
		die_usage("'%s' is not the directory of a new machine", entry);
	fd = openat(parent, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd < 0)
		die_sys("cannot open '%s'", entry);
	/* What need not survive a crash of the host need not wait for it. */
	if (file_line(fd, "ephemeral", yes, sizeof(yes)) < 0 ||
	    strcmp(yes, "yes")) {
		r = scratch_sync(fd);
		if (r)
			die_cannot(r, "write to the disk what is in", entry);
	}
	r = scratch_commit(parent, entry, name, whole);
	if (r == -EEXIST || r == -ENOTEMPTY || r == -ENOTDIR) {
		(void)file_rm_tree(parent, entry);
		die_status(EXIT_NO, "a machine '%s' exists already", name);
	}
	if (r)
		die_cannot(r, "rename", entry);
	puts(name);
	return EXIT_YES;
}

/* Lock, saying so when it takes a while. */
static int
lock_or_say(int fd, const char *what)
{
	int r = lock_fd(fd, false);

	if (r != -EAGAIN)
		return r;
	warn("waiting for '%s'", what);
	return lock_fd(fd, true);
}

/*
 * Under its lock, so that nobody starts it. Who does start it holds that until
 * it runs, and for no longer once it is ended.
 */
static void
lock_machine(int fd, const char *name, bool ends)
{
	int lock = openat(fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	int r = lock < 0 ? -errno : 0;

	if (ends)
		vmctl_end(fd, false);
	r = r ? r : lock_or_say(lock, name);
	if (r)
		die_cannot(r, "lock", name);
	if (ends)
		vmctl_end(fd, true);
}

static int
del_main(int argc, char *argv[])
{
	bool ends = argc > 1 && !strcmp(argv[1], "-k");
	const char *name = argv[argc - 1];
	int vms, fd, r;

	if (argc != (ends ? 3 : 2))
		die_usage("del: one name is wanted");
	if (strchr(name, '/'))
		die_usage("del: a name is wanted, not a path");
	fd = xvm_open(name);
	vms = xvms_open();
	if (!gc_is_machine(fd))
		die("cannot delete '%s': it does not look like a machine's"
		    " directory", name);
	lock_machine(fd, name, ends);
	r = gc_delete(vms, fd, name);
	if (r == -EAGAIN)
		die_status(EXIT_NO, "cannot delete '%s': it is running", name);
	if (r == -ENOENT)
		die_status(EXIT_NO, "there is no machine '%s'", name);
	if (r)
		die_cannot(r, "delete", name);
	return EXIT_YES;
}

static int
set_main(int argc, char *argv[])
{
	const char *bad;
	int fd, r;

	if (argc < 3)
		die_usage("set: a machine and KEY=VALUE are wanted");
	/* All are looked at before any is written. */
	for (int i = 2; i < argc; i++) {
		char *value = xkey_value(argv[i]);

		bad = *value ? vm_value_error(argv[i], value) :
		    vm_key_ok(argv[i]) ? NULL : "there is no such key";
		if (bad)
			bad_value(argv[i], value, bad);
	}
	fd = xvm_open(argv[1]);
	for (int i = 2; i < argc; i++) {
		r = vm_set(fd, argv[i], argv[i] + strlen(argv[i]) + 1);
		if (r)
			die_cannot(r, "set", argv[i]);
	}
	return EXIT_YES;
}

static int
get_main(int argc, char *argv[])
{
	int fd, status = EXIT_YES;
	char line[4096];
	ssize_t n;

	if (argc < 3)
		die_usage("get: a machine and a key are wanted");
	fd = xvm_open(argv[1]);
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "state")) {
			puts(vm_state_name(vm_state(fd)));
			continue;
		}
		if (!vm_key_ok(argv[i]))
			die_usage("bad key '%s'", argv[i]);
		n = vm_line(fd, argv[i], line, sizeof(line));
		if (n < 0 && n != -ENOENT) {
			errno = (int)-n;
			warn_sys("cannot read '%s' of '%s'", argv[i], argv[1]);
		}
		puts(n < 0 ? "" : line);
		if (n < 0)
			status = EXIT_NO;
	}
	return status;
}

static int
list_main(int argc, char *argv[])
{
	struct list_how how = listing_options(argc, argv, "jqr");

	return vmlist(&how);
}

static int
show_main(int argc, char *argv[])
{
	struct list_how how = listing_options(argc, argv, "j");

	if (how.count != 1)
		die_usage("show: one machine is wanted");
	return vmshow(how.names[0], how.json);
}

static int
snapshots_main(int argc, char *argv[])
{
	struct list_how how = listing_options(argc, argv, "jq");

	return snaplist(&how);
}

/* The same, of one of so many places. */
static int
turn_or_say(int fd, const char *what, unsigned places, unsigned seconds)
{
	int r = turn_try(fd, places);

	if (r != -EAGAIN)
		return r;
	warn("waiting for '%s'", what);
	/* It would be for nobody, and hold up the others. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	return turn_wait(fd, places, seconds);
}

static int
lock_main(int argc, char *argv[])
{
	autofree char *path = NULL;
	unsigned places = 0, seconds = 60;
	bool wait = true, shared = false;
	int c, fd, r;

	while ((c = getopt(argc, argv, "np:st:")) != -1)
		if (c == 'n')
			wait = false;
		else if (c == 's')
			shared = true;
		else if (c == 'p')
			places = (unsigned)xnum(optarg, 1, TURN_PLACES,
			    "number of places");
		else if (c == 't')
			seconds = (unsigned)xnum(optarg, 1, 86400,
			    "number of seconds");
		else
			die_usage("lock: unknown option");
	if (argc - optind != 1)
		die_usage("lock: one descriptor is wanted");
	fd = (int)xnum(argv[optind], 0, 1 << 20, "descriptor");
	if (fcntl(fd, F_GETFD) < 0)
		die_sys("cannot lock descriptor %d", fd);
	path = xfd_path(fd);
	if (shared)
		r = lock_fd_shared(fd, wait);
	else if (places)
		r = wait ? turn_or_say(fd, path, places, seconds) :
		    turn_try(fd, places);
	else
		r = wait ? lock_or_say(fd, path) : lock_fd(fd, false);
	if (r && r != -EAGAIN && r != -ETIMEDOUT)
		die_cannot(r, "lock", path);
	return r ? EXIT_NO : EXIT_YES;
}

static int
pick_main(int argc, char *argv[])
{
	char name[SCRATCH_NAME];

	(void)argv;
	if (argc != 1)
		die_usage("pick: no arguments are wanted");
	vm_pick_name(xvms_open(), name, sizeof(name));
	puts(name);
	return EXIT_YES;
}

static int
gc_main(int argc, char *argv[])
{
	bool dry = false;
	int c;

	while ((c = getopt(argc, argv, "n")) != -1)
		if (c == 'n')
			dry = true;
		else
			die_usage("gc: unknown option");
	if (optind != argc)
		die_usage("gc: no arguments are wanted");
	return gc_run(dry, stdout);
}

static int
state_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "new", new_main }, { "clone", clone_main },
		{ "commit", commit_main }, { "del", del_main },
		{ "set", set_main }, { "get", get_main },
		{ "list", list_main }, { "show", show_main },
		{ "snapshots", snapshots_main }, { "lock", lock_main },
		{ "pick", pick_main }, { "gc", gc_main }, { NULL, NULL },
	};

	opterr = 0;
	return verbs_run(verbs, argc, argv);
}

APPLET(state, PLAIN);
