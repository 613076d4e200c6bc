/* configure.c - make a machine out of what has just booted
 *
 * SPDX-License-Identifier: MIT
 *
 * The host says who this machine is; a key that is missing from its message
 * skips that step. The same is done after a restore, perhaps as another
 * machine: whoever is it by then has seen none of its secrets before.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clean.h"
#include "file.h"
#include "image.h"
#include "json.h"
#include "moment.h"
#include "mount.h"
#include "net.h"
#include "ops.h"
#include "seed.h"
#include "sshd.h"

enum { TEXT_MAX = 16384 };

#define WORK "/run/banger/work"
#define HOST_KEY "/etc/ssh/ssh_host_ed25519_key"

/* The text of a key, in a static buffer; NULL when there is none. */
static const char *
text_of(const char *request, const char *key)
{
	static char text[TEXT_MAX];

	return json_str(json_get(request, key), text, sizeof(text)) > 0 ?
	    text : NULL;
}

/* Whether the file holds exactly this already: then nothing is written. */
static bool
holds(const char *path, const char *text, mode_t mode)
{
	char *now;
	struct stat st;
	bool same;

	if (lstat(path, &st) || !S_ISREG(st.st_mode) ||
	    (st.st_mode & 07777) != mode ||
	    file_slurp(AT_FDCWD, path, TEXT_MAX, &now, NULL))
		return false;
	same = !strcmp(now, text);
	free(now);
	return same;
}

/* A symlink there is replaced, not followed. */
static bool
put(const char *path, const char *text, mode_t mode)
{
	int r = -1, fd;

	if (holds(path, text, mode))
		return true;
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd >= 0) {
		r = write_all(fd, text, strlen(text));
		if (r)
			errno = -r;
		else
			r = fchmod(fd, mode);
		close(fd);
	}
	if (r)
		complain("cannot write '%s': %s", path, strerror(errno));
	return !r;
}

/* 127.0.1.1 is the machine's own name, as Debian has it. */
static bool
set_hosts(const char *hostname)
{
	static char text[TEXT_MAX];
	autofree char *old = NULL;
	size_t n = 0;

	if (file_slurp(AT_FDCWD, "/etc/hosts", TEXT_MAX / 2, &old, NULL))
		n = (size_t)snprintf(text, sizeof(text),
		    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost "
		    "ip6-loopback\n");
	for (char *save, *l = old ? strtok_r(old, "\n", &save) : NULL; l;
	    l = strtok_r(NULL, "\n", &save))
		if (strncmp(l, "127.0.1.1", 9))
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s\n", l);
	snprintf(text + n, sizeof(text) - n, "127.0.1.1\t%s\n", hostname);
	return put("/etc/hosts", text, 0644);
}

/* One that systemd did not make a link, as it may be in old images. */
static bool
set_dbus_id(const char *line)
{
	static const char path[] = "/var/lib/dbus/machine-id";
	struct stat st;

	return lstat(path, &st) || !S_ISREG(st.st_mode) ||
	    put(path, line, 0644);
}

static bool
set_names(const char *request)
{
	char line[256];
	const char *id, *name = text_of(request, "hostname");

	if (name && strlen(name) < 64) {
		if (sethostname(name, strlen(name)))
			return !complain("cannot set the host name: %s",
			    strerror(errno));
		snprintf(line, sizeof(line), "%s\n", name);
		if (!put("/etc/hostname", line, 0644) || !set_hosts(name))
			return false;
	}
	id = text_of(request, "machine_id");
	if (!id)
		return true;
	snprintf(line, sizeof(line), "%.64s\n", id);
	return put("/etc/machine-id", line, 0444) && set_dbus_id(line);
}

static bool
set_network(const char *request)
{
	char ip[32] = "", gateway[32] = "", mac[32] = "", dns[64];
	char line[128];

	json_str(json_get(request, "ip"), ip, sizeof(ip));
	json_str(json_get(request, "gateway"), gateway, sizeof(gateway));
	json_str(json_get(request, "mac"), mac, sizeof(mac));
	if (!net_up("lo", NULL, NULL, NULL))
		return false;
	if (*ip && !net_up(NULL, ip, gateway, mac))
		return false;
	if (json_str(json_get(request, "dns"), dns, sizeof(dns)) <= 0)
		return true;
	snprintf(line, sizeof(line), "nameserver %s\n", dns);
	return put("/etc/resolv.conf", line, 0644);
}

static bool
mounted_here(const char *path)
{
	struct stat in, above;

	return !stat(path, &in) && !stat("/", &above) &&
	    in.st_dev != above.st_dev;
}

/*
 * The directory root of the work disk is /root. On a new one, file_sync's
 * files are in sync; what the image has in /root comes beside them.
 */
static bool
set_work(const char *request)
{
	bool fresh;

	if (!json_true(json_get(request, "work")) || mounted_here("/root"))
		return true;
	if (!wait_path("/dev/vdc"))
		return !complain("cannot find the work disk '/dev/vdc'");
	if (!mount_on("/dev/vdc", WORK, "ext4", 0, NULL))
		return !complain("cannot mount the work disk: %s",
		    strerror(errno));
	fresh = access(WORK "/root", F_OK);
	if (fresh && !seed_dir(WORK "/sync", "/root",
	    WORK "/root"))
		return false;
	if (!make_dirs("/root", 0700) ||
	    mount(WORK "/root", "/root", NULL, MS_BIND, NULL))
		return !complain("cannot mount '/root': %s", strerror(errno));
	/* /root keeps it alive; nothing else has to see it. */
	umount2(WORK, MNT_DETACH);
	rmdir(WORK);
	return true;
}

static bool
set_ssh(const char *request)
{
	const char *text = text_of(request, "authorized_keys");
	bool changed;

	if (text && (!make_dirs("/root/.ssh", 0700) ||
	    !put("/root/.ssh/authorized_keys", text, 0600)))
		return false;
	/* Its key is there before sshd, which is installed later. */
	if (json_true(json_get(request, "install_sshd")))
		make_dirs("/etc/ssh", 0755);
	if (access("/etc/ssh", F_OK))
		return true;
	text = text_of(request, "ssh_host_key");
	changed = text && !holds(HOST_KEY, text, 0600);
	if (text && !put(HOST_KEY, text, 0600))
		return false;
	text = text_of(request, "ssh_host_key_pub");
	if (text && !put(HOST_KEY ".pub", text, 0644))
		return false;
	if (changed)
		sshd_reload();
	/* sshd refuses to start without it. */
	if (!make_dirs("/run/sshd", 0755))
		return !complain("cannot make '/run/sshd': %s",
		    strerror(errno));
	return true;
}

/*
 * systemd empties /tmp while it starts, and by then commands have files there.
 * What /run says goes before what the image ships, not before its /etc.
 */
static bool
keep_tmp(void)
{
	static const char rule[] =
	    "# the agent: commands run before init is up\n"
	    "q /tmp 1777 root root -\n"
	    "q /var/tmp 1777 root root -\n";

	if (access("/tmp", F_OK) && (!make_dirs("/tmp", 0755) ||
	    chmod("/tmp", 01777)))
		return !complain("cannot make '/tmp': %s", strerror(errno));
	return make_dirs("/run/tmpfiles.d", 0755) &&
	    put("/run/tmpfiles.d/tmp.conf", rule, 0644);
}

/* The directory in which the image's commands begin; containers make it. */
static bool
make_cwd(void)
{
	char cwd[4096];

	if (json_str(image_get("cwd"), cwd, sizeof(cwd)) > 0 &&
	    access(cwd, F_OK) && !make_dirs(cwd, 0755))
		complain("cannot make '%s': %s", cwd, strerror(errno));
	return true; /* its commands will say so */
}

int
configure_run(const char *request)
{
	bool ok = make_dirs("/etc", 0755) && make_dirs("/root", 0700) &&
	    moment_set(request) && set_names(request) &&
	    set_network(request) && set_work(request) &&
	    set_ssh(request) && keep_tmp() && make_cwd();

	return ok ? 0 : 1;
}
