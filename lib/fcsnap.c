/* fcsnap.c - Firecracker's part of a snapshot; see fcsnap.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "api.h"
#include "bng.h"
#include "fcconf.h"
#include "fcsnap.h"
#include "kvm.h"
#include "vm.h"

enum {
	CREATE_MS = 600000,	/* it writes all the memory, and syncs it */
	PIECE = 65536,
};

#define DUMP(file) VM_DUMP "/" file
#define AT(file) "/proc/self/fd/%d/" file
/*
 * Longer than it need be. Strings of one size more than these would make the
 * malloc of Firecracker 1.12 map a page and unmap it again for each device of
 * a snapshot that it reads, a hundred times, which is a fifth of its work.
 */
#define AT_LENGTH(file) AT("./././././././" file)

static struct api api;

noreturn_fn static void
fail(const struct snapshot *sn, int r)
{
	char why[512] = "";

	if (r == -EREMOTEIO)
		api_text(&api, "fault_message", why, sizeof(why));
	msg_clean(why);
	die("cannot save the memory of '%s': %s", sn->vm_name,
	    why[0] ? why : strerror(-r));
}

/* What a jail shows it is elsewhere, and it could not write there. */
static void
refuse_jail(const struct snapshot *sn, const char *verb)
{
	char yes[8];

	if (file_line(sn->vm, "jailer", yes, sizeof(yes)) >= 0 &&
	    !strcmp(yes, "yes"))
		die("cannot %s '%s': it runs under Firecracker's jailer, where "
		    "that is not possible", verb, sn->vm_name);
}

static void
begin(struct snapshot *sn)
{
	char body[256];
	int r;

	refuse_jail(sn, "snapshot");
	snprintf(body, sizeof(body), "{\"snapshot_type\":\"Full\","
	    "\"snapshot_path\":\"" AT(DUMP("state")) "\","
	    "\"mem_file_path\":\"" AT(DUMP("memory")) "\"}",
	    FC_FD_VM, FC_FD_VM);
	r = api_ask(&api, sn->vm, "api.sock", "PUT", "/snapshot/create", body);
	if (r)
		fail(sn, r);
}

static void
finish(struct snapshot *sn)
{
	int r = api_wait(&api, CREATE_MS);

	if (r)
		fail(sn, r);
	if (renameat(sn->vm, DUMP("memory"), sn->dir, "memory") ||
	    renameat(sn->vm, DUMP("state"), sn->dir, "state"))
		fail(sn, -errno);
}

static bool
empty(const char *p, size_t n)
{
	return !n || (!p[0] && !memcmp(p, p + 1, n - 1));
}

/* It wrote every page: what is zeros becomes a hole. */
static void
tidy(struct snapshot *sn)
{
	static char buf[PIECE];
	autoclose int fd = openat(sn->dir, "memory", O_RDWR | O_CLOEXEC |
	    O_NOFOLLOW);
	off_t at = 0;
	ssize_t n;

	while (fd >= 0 && (n = pread(fd, buf, sizeof(buf), at)) > 0) {
		if (empty(buf, (size_t)n) && fallocate(fd,
		    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, n))
			return;	/* this file system has no holes */
		at += n;
	}
}

const struct snapshot_vmm fcsnap = { .name = "firecracker",
	.title = "Firecracker", .begin = begin, .finish = finish,
	.tidy = tidy };

void
fcsnap_check(const struct snapshot *sn, const struct fcfind *f)
{
	char why[KVM_REASON];

	if (sn->memory < 0)
		return;
	refuse_jail(sn, "restore machine");
	snapshot_check_version(sn, "Firecracker", f->version);
	if (!kvm_usable(why))
		die("cannot restore machine '%s': KVM cannot be used: %s",
		    sn->vm_name, why);
}

void
fcsnap_load(int fd, char *body, size_t size)
{
	snprintf(body, size, "{\"snapshot_path\":\"" AT("state") "\","
	    "\"mem_backend\":{\"backend_type\":\"File\","
	    "\"backend_path\":\"" AT_LENGTH("memory") "\"},"
	    "\"resume_vm\":true}", fd, fd);
}
