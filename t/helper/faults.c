/* faults - run a command in which one call goes wrong, and judge what is left
 *
 *	faults KIND N COMMAND [ARGUMENT ...]
 *
 * KIND is of fault.h, N the call, 0 for none. Prints "CALLS HIT STATUS WHAT":
 * how many calls there were, whether the N-th was reached, how the command
 * ended, and which call of which program it was.
 * Then, once all that it started has ended or is a machine's, banger gc runs
 * without faults; and then nothing may be left of what was not finished. What
 * is, is printed, a line that begins with "!", and the exit status is 1.
 * Machines that run are killed in the end, as if the host had gone down.
 *
 * The environment has BANGER_STATE, TMPDIR (which must be empty afterwards),
 * FAULT_SO, the library, and T, where the files plan, said and gc.said go;
 * INPUT may name a file, which the command reads instead of nothing.
 */
#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "bng.h"
#include "dirs.h"
#include "lock.h"
#include "names.h"
#include "proc.h"
#include "vm.h"
#include "fault.h"

/* lib asks for it; here is no applet. */
const struct applet *self;

enum {
	PIDS = 512,
	PATIENCE = 30000,	/* ms for what is left running to end */
	HANG = 60,		/* s for the command */
};

static int bad;

printf_fn(1, 2) static void
finding(const char *fmt, ...)
{
	va_list ap;

	bad = 1;
	printf("! ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* --- processes -------------------------------------------------------- */

struct pids {
	pid_t pid[PIDS];
	int n;
};

static bool
among(const struct pids *p, pid_t pid)
{
	for (int i = 0; i < p->n; i++)
		if (p->pid[i] == pid)
			return true;
	return false;
}

static void
pids_add(struct pids *p, pid_t pid)
{
	if (pid > 0 && p->n < PIDS)
		p->pid[p->n++] = pid;
}

/* All that descend from a process of ours and have not ended. */
static void
descendants(struct pids *all, pid_t of)
{
	char path[64], state;
	autofclose FILE *f = NULL, *stat = NULL;
	int pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", of, of);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		stat = fopen(path, "re");
		if (stat && fscanf(stat, "%*d (%*[^)]) %c", &state) == 1 &&
		    state != 'Z')
			pids_add(all, pid);
		if (stat)
			fclose(stat);
		stat = NULL;
		descendants(all, pid);
	}
}

static void
on_machines(void (*what)(int vms, const char *name, void *to), void *to)
{
	struct names n = { 0 };
	autoclose int vms = open(vms_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (vms < 0)
		return;
	vm_every(&n, NULL);
	for (size_t i = 0; i < n.count; i++)
		what(vms, n.name[i], to);
}

/* The processes that a machine says are its own. */
static void
recorded(int vms, const char *name, void *to)
{
	autoclose int fd = openat(vms, name, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);

	if (fd < 0)
		return;
	pids_add(to, proc_load(fd, "pid"));
	pids_add(to, proc_load(fd, "supervisor"));
}

static void
nap(long ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000 };

	nanosleep(&t, NULL);
}

static void
reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void
describe(pid_t pid)
{
	char path[64], text[200];
	ssize_t n;
	autoclose int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read_full(fd, text, sizeof(text) - 1);
	for (ssize_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = ' ';
	text[n < 0 ? 0 : n] = '\0';
	finding("process %d is left: %s", pid, text);
}

/* Wait until what runs is machines, and machines only. */
static void
settle(const char *when)
{
	struct pids all, known;
	long waited = 0, ms = 1;
	int strange;

	for (;; waited += ms, ms += ms < 20) {
		reap();
		all.n = known.n = strange = 0;
		descendants(&all, getpid());
		if (all.n)
			on_machines(recorded, &known);
		for (int i = 0; i < all.n; i++)
			strange += !among(&known, all.pid[i]);
		if (!strange)
			return;
		if (waited > PATIENCE)
			break;
		nap(ms);
	}
	finding("it does not come to an end %s", when);
	for (int i = 0; i < all.n; i++)
		if (!among(&known, all.pid[i]))
			describe(all.pid[i]);
}

static void
kill_all(void)
{
	struct pids all;

	do {
		all.n = 0;
		descendants(&all, getpid());
		for (int i = 0; i < all.n; i++)
			kill(all.pid[i], SIGKILL);
		if (all.n)
			nap(1);
		reap();
	} while (all.n);
}

/* --- commands --------------------------------------------------------- */

/* Run it, with its output in a file: its status, 128 + n for signal n. */
static int
run(char *argv[], const char *said, const char *so, const char *plan)
{
	const char *in = so && getenv("INPUT") ? getenv("INPUT") : "/dev/null";
	int status, fd;
	pid_t pid = fork();

	if (pid < 0)
		die_sys("cannot fork");
	if (pid == 0) {
		setpgid(0, 0);
		fd = xopen(said, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		fd = xopen(in, O_RDONLY, 0);
		dup2(fd, STDIN_FILENO);
		if (so) {
			setenv("FAULT", plan, 1);
			setenv("LD_PRELOAD", so, 1);
		}
		execvp(argv[0], argv);
		_exit(127);
	}
	alarm(HANG);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) {
			die_sys("cannot wait");
		} else {
			finding("%s hangs", argv[0]);
			kill(-pid, SIGKILL);
		}
	alarm(0);
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}

static void
on_alarm(int sig)
{
	(void)sig; /* it interrupts the wait */
}

static void
show(const char *said)
{
	char line[300];
	autofclose FILE *f = fopen(said, "re");

	while (f && fgets(line, sizeof(line), f))
		printf("!   %s", line);
}

/* --- what is left ----------------------------------------------------- */

/* .NAME.PID, of a machine's supervisor that lives. */
static bool
being_written(const char *name)
{
	unsigned long long ticks;
	const char *dot = strrchr(name, '.');

	return dot && !proc_start((pid_t)strtol(dot + 1, NULL, 10), &ticks);
}

/* The names that no finished thing has; a snapshot may keep its maker's. */
static bool
unfinished(const char *name)
{
	if (name[0] != '.')
		return !strcmp(name, "fork") || !strcmp(name, "tree");
	return strncmp(name, ".lock", 5) != 0;
}

static bool
is_lock(const char *name)
{
	return !strncmp(name, ".lock", 5) || !strcmp(name, "lock");
}

static void
look(int parent, const char *name, const char *path, bool runs)
{
	struct stat st;
	struct dirent *e;
	autoclosedir DIR *d = NULL;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    O_NOFOLLOW);

	d = fd < 0 ? NULL : fdopendir(fd);
	while (d && (e = readdir(d))) {
		autofree char *sub = xasprintf("%s/%s", path, e->d_name);

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (unfinished(e->d_name) && !being_written(e->d_name))
			finding("%s is left", sub);
		if (!runs && (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode)))
			finding("the socket %s is left", sub);
		if (is_lock(e->d_name) && lock_held(fd, e->d_name) == 1)
			finding("the lock %s is held", sub);
		if (S_ISDIR(st.st_mode))
			look(fd, e->d_name, sub, runs);
	}
}

static void
machine(int vms, const char *name, void *unused)
{
	static const char *const files[] = { "id", "image", "image_dir",
		"kernel", "kernel_dir", "vcpu", "memory_mib", "disk_bytes",
		"vmm", "net", "ephemeral", "created", "overlay.ext4",
		"work.ext4" };
	struct stat st;
	bool runs;
	autoclose int fd = openat(vms, name, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (fstatat(fd, files[i], &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode) || !st.st_size)
			finding("machine %s is not whole: %s", name, files[i]);
	runs = lock_held(fd, "run.lock") == 1;
	if (!faccessat(fd, "maker", F_OK, 0))
		finding("machine %s was not finished", name);
	if (!runs && !faccessat(fd, "pid", F_OK, 0))
		finding("machine %s says that it runs, and does not", name);
	look(vms, name, name, runs);
}

static void
judge(void)
{
	const char *tmp = getenv("TMPDIR");
	struct dirent *e;
	DIR *d = tmp ? opendir(tmp) : NULL;
	int fd = xopen(dir_state(), O_RDONLY | O_DIRECTORY, 0);

	on_machines(machine, NULL);
	look(fd, "images", "images", false);
	look(fd, "kernels", "kernels", false);
	look(fd, "ssh", "ssh", false);
	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			finding("%s/%s is left", tmp, e->d_name);
	if (d)
		closedir(d);
	d = opendir(vms_dir());
	while (d && (e = readdir(d)))
		if (e->d_name[0] == '.' && e->d_name[1] && unfinished(e->d_name)
		    && strcmp(e->d_name, ".."))
			finding("vms/%s is left", e->d_name);
}

static struct plan *
plan_new(const char *path, const char *kind, const char *n)
{
	static const char *const names[] = { F_NAMES };
	struct plan *p;
	autoclose int fd = xopen(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (ftruncate(fd, sizeof(*p)))
		die_sys("cannot make '%s'", path);
	p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die_sys("cannot map '%s'", path);
	p->at = (unsigned)xnum(n, 0, INT32_MAX, "number of a call");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], kind))
			p->how = (int)i;
	return p;
}

int
main(int argc, char *argv[])
{
	static char banger[] = "banger", gc[] = "gc";
	char *const collect[] = { banger, gc, NULL };
	struct sigaction sa = { .sa_handler = on_alarm };
	struct plan *p;
	char *path;
	int status;

	msg_name = "faults";
	if (argc < 4)
		die("usage: faults KIND N COMMAND ...");
	sigaction(SIGALRM, &sa, NULL);
	path = xasprintf("%s/plan", getenv("T"));
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	p = plan_new(path, argv[1], argv[2]);
	status = run(argv + 3, "said", getenv("FAULT_SO"), path);
	settle("after the fault");
	printf("%u %d %d %s\n", p->calls, p->hit, status, p->what);
	p->how = F_NONE;
	status = run((char **)(uintptr_t)collect, "gc.said", NULL, NULL);
	if (status) {
		finding("banger gc fails: %d", status);
		show("gc.said");
	}
	settle("after gc");
	judge();
	kill_all();
	if (bad)
		show("said");
	return bad;
}
