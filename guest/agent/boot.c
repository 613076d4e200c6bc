/* boot.c - from /init to a machine with its own root; see boot.h
 *
 * SPDX-License-Identifier: MIT
 *
 * 1. PID 1 makes the root and forks the agent; from then on it only waits,
 *    first for the agent's word that the machine is configured, then either
 *    as the image's init or for children to reap.
 * 2. Whatever cannot be done ends the machine with one line on the console.
 *    The kernel would panic if we just ended.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "boot.h"
#include "file.h"
#include "init.h"
#include "link.h"
#include "mount.h"
#include "oom.h"
#include "ops.h"
#include "power.h"

#define LOWER "/lower"
#define DISK "/disk"
#define ROOT "/new"

static const char port_name[] = "banger.agent";
static int go = -1;		/* the agent tells PID 1 through it */

static void
load_module(const char *name)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "/modules/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		console("cannot open '%s': %s", path, strerror(errno));
		return;
	}
	/* Built in, or for a device that is not there: no matter. */
	if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST &&
	    errno != ENODEV)
		console("cannot load '%s': %s", path, strerror(errno));
	close(fd);
	unlink(path); /* the initrd is memory */
}

static int
visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static bool
has_pci(void)
{
	autoclosedir DIR *d = opendir("/sys/bus/pci/devices");
	struct dirent *e = NULL;

	while (d && (e = readdir(d)) && !visible(e))
		;
	return e;
}

/*
 * The initrd has the modules of every board; loading costs time, so what only
 * another one can use is left alone. name: "012-virtio_pci.ko".
 */
static bool
for_this_board(const char *name, bool pci)
{
	if (pci)
		return !strstr(name, "-virtio_mmio.") &&
		    !strstr(name, "vsock");
	return !strstr(name, "-virtio_pci") && !strstr(name, "-pvpanic");
}

static void
load_modules(void)
{
	struct dirent **list;
	bool pci = has_pci();
	int n = scandir("/modules", &list, visible, alphasort);

	for (int i = 0; i < n; i++) {
		if (for_this_board(list[i]->d_name, pci))
			load_module(list[i]->d_name);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

static void
need_disk(const char *dev, const char *dir, const char *type,
    unsigned long flags)
{
	if (!wait_path(dev))
		give_up("cannot find the disk '%s'", dev);
	if (!mount_on(dev, dir, type, flags, NULL))
		power_off(false);
}

/* The directories of the overlay's disk; the root has the image's mode. */
static void
need_layers(void)
{
	static const char *const dirs[] = { DISK "/upper", DISK "/work",
		DISK "/docker", DISK "/containerd" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (mkdir(dirs[i], i < 2 ? 0755 : 0710) && errno != EEXIST)
			give_up("cannot make '%s': %s", dirs[i],
			    strerror(errno));
	}
	if (!stat(LOWER, &st) && (chown(DISK "/upper", st.st_uid, st.st_gid) ||
	    chmod(DISK "/upper", st.st_mode & 07777)))
		give_up("cannot prepare the overlay: %s", strerror(errno));
}

/* A directory of the overlay's own disk, where overlayfs would not do. */
static void
bind_own(const char *from, const char *to)
{
	char at[64];
	int fd = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC);

	/* The old root has no name any more once ours is in its place. */
	snprintf(at, sizeof(at), "/proc/self/fd/%d", fd);
	if (make_dirs(to, 0710))
		mount_on(at, to, NULL, MS_BIND, NULL);
	close(fd);
}

static void
enter_root(void)
{
	if (chdir(ROOT) || mount(".", "/", NULL, MS_MOVE, NULL) ||
	    chroot(".") || chdir("/"))
		give_up("cannot enter the root: %s", strerror(errno));
}

/* A word of the kernel's command line, behind "name=". */
static bool
kernel_option(const char *name, char *out, size_t size)
{
	static char line[4096];
	size_t len = strlen(name);

	if (file_line(AT_FDCWD, "/proc/cmdline", line, sizeof(line)) < 0)
		return false;
	for (char *save, *w = strtok_r(line, " ", &save); w;
	    w = strtok_r(NULL, " ", &save)) {
		if (!strncmp(w, name, len) && w[len] == '=') {
			snprintf(out, size, "%s", w + len + 1);
			return true;
		}
	}
	return false;
}

/*
 * A directory of the image that is renamed is noted as moved. In a layer that
 * is to leave this machine it has to be whole: there, mv copies it.
 */
static bool
mount_root(void)
{
	char text[512], word[8];

	if (!kernel_option("banger.redirect_dir", word, sizeof(word)) ||
	    strcmp(word, "off"))
		snprintf(word, sizeof(word), "on");
	snprintf(text, sizeof(text), "lowerdir=" LOWER ",upperdir=" DISK
	    "/upper,workdir=" DISK "/work,index=off,metacopy=off"
	    ",redirect_dir=%s", word);
	return mount_on("overlay", ROOT, "overlay", 0, text);
}

static void
make_root(void)
{
	int disk;
	char at[64];

	if (!mount_on("proc", "/proc", "proc", 0, NULL) ||
	    !mount_on("sysfs", "/sys", "sysfs", 0, NULL) ||
	    !mount_on("devtmpfs", "/dev", "devtmpfs", 0, NULL))
		power_off(false);
	load_modules();
	need_disk("/dev/vda", LOWER, "ext4", MS_RDONLY);
	need_disk("/dev/vdb", DISK, "ext4", 0);
	need_layers();
	if (!mount_root())
		power_off(false);
	disk = open(DISK, O_PATH | O_DIRECTORY | O_CLOEXEC);
	enter_root();
	if (!mount_kernel())
		power_off(false);
	if (!access("/dev/vdd", F_OK))
		mount_on("/dev/vdd", "/lib/modules", "ext4", MS_RDONLY, NULL);
	snprintf(at, sizeof(at), "/proc/self/fd/%d/docker", disk);
	bind_own(at, "/var/lib/docker");
	snprintf(at, sizeof(at), "/proc/self/fd/%d/containerd", disk);
	bind_own(at, "/var/lib/containerd");
	close(disk);
}

/* Which init the image has; false when none. */
static bool
find_init(char *out, size_t size)
{
	if (kernel_option("init", out, size)) {
		if (access(out, X_OK))
			give_up("cannot run the init '%s': %s", out,
			    strerror(errno));
		return true;
	}
	snprintf(out, size, "/sbin/init");
	return !access(out, X_OK) && init_boots(out);
}

static void
configured(void)
{
	if (go < 0)
		return;
	if (write(go, "", 1) != 1)
		console("cannot start the init: %s", strerror(errno));
	close(go);
	go = -1;
}

static bool
link_there(const void *arg)
{
	int fd = link_find_port(arg);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || link_has_vsock();
}

/* The agent's life: until the init's shutdown ends all processes. */
noreturn_fn static void
be_agent(void)
{
	int fd, r, null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	setsid();
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "banger-agent");
	if (!oom_exempt())
		console("cannot exempt the agent from the OOM killer");
	if (!wait_found(link_there, port_name))
		give_up("cannot find the port '%s' or a vsock", port_name);
	fd = link_find_port(port_name);
	ops_configured = configured;
	r = fd >= 0 ? link_mux(fd, true) : link_vsock();
	if (r)
		console("cannot serve the host: %s", strerror(errno));
	_exit(1);
}

/*
 * PID 1 of an image without an init: reap, and end when asked to, by the
 * signals that busybox's poweroff, halt and reboot send.
 */
noreturn_fn static void
reap(pid_t agent)
{
	static const int ask[] = { SIGCHLD, SIGUSR1, SIGUSR2, SIGTERM };
	sigset_t set;
	pid_t pid;
	int sig;

	reboot(RB_DISABLE_CAD);
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ask); i++)
		sigaddset(&set, ask[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (;;) {
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			if (pid == agent)
				give_up("the agent has ended");
		if (!sigwait(&set, &sig) && sig != SIGCHLD)
			power_down(sig == SIGTERM, POWER_GRACE);
	}
}

noreturn_fn static void
become_init(const char *path)
{
	char *argv[] = { (char *)path, NULL };
	char *env[] = { (char *)"HOME=/", (char *)"TERM=linux", (char *)
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		"/sbin:/bin", NULL };

	signal(SIGPIPE, SIG_DFL);
	execve(path, argv, env);
	give_up("cannot run the init '%s': %s", path, strerror(errno));
}

void
boot(void)
{
	char init[256], word;
	bool has_init;
	int p[2];
	pid_t pid;

	umask(022);
	make_root();
	has_init = find_init(init, sizeof(init));
	init_note(has_init ? init : NULL);
	if (pipe2(p, O_CLOEXEC))
		give_up("cannot make a pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		give_up("cannot start the agent: %s", strerror(errno));
	if (pid == 0) {
		close(p[0]);
		go = p[1];
		be_agent();
	}
	close(p[1]);
	if (read_full(p[0], &word, 1) != 1)
		give_up("the agent has ended");
	close(p[0]);
	if (has_init)
		become_init(init);
	reap(pid);
}
