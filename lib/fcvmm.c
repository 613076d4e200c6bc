/* fcvmm.c - Firecracker, beside its supervisor; see fcvmm.h
 *
 * SPDX-License-Identifier: MIT
 *
 * https://github.com/firecracker-microvm/firecracker/tree/main/docs
 */
#include <sys/wait.h>

#include "bng.h"
#include "fcagent.h"
#include "fcask.h"
#include "fcvmm.h"
#include "name.h"
#include "supread.h"
#include "vm.h"

#define PATH_OF_FD "/proc/self/fd/"

static int
confine_fc(struct sup *s, struct launch *l)
{
	const struct fc *f = s->own;
	int r = sup_confine(s, l, f->conf.image, f->conf.kernel, 0);

	if (r)
		return r;
	confine_file(&l->confine, AT_FDCWD, "/dev/kvm", CONFINE_DEVICE);
	confine_file(&l->confine, s->dir, "", CONFINE_SOCKETS);
	file_rm_tree(s->dir, VM_DUMP);
	if (mkdirat(s->dir, VM_DUMP, 0700))
		return -errno;
	confine_file(&l->confine, s->dir, VM_DUMP, CONFINE_FILL);
	if (f->from >= 0) {
		confine_file(&l->confine, f->from, "state", CONFINE_READ);
		confine_file(&l->confine, f->from, "memory", CONFINE_READ);
	}
	return 0;
}

/* Its sockets, which it binds to and leaves behind, are at their place. */
static int
fc_sockets(struct fc *f)
{
	int r = 0;

	if (f->hello.fd < 0)
		r = fcagent_listen(f);
	return r || f->sup->running ? r : fcask_begin(f);
}

static int
fc_free(struct sup *s, struct launch *l)
{
	static char name[] = "firecracker", id[] = "--id", sock[] =
	    "--api-sock", conf[] = "--config-file", log[] = "--log-path",
	    api_path[] = PATH_OF_FD "4/api.sock", conf_path[] = PATH_OF_FD "7",
	    log_path[] = PATH_OF_FD "2";
	static char *argv[] = { name, id, NULL, log, log_path, sock, api_path,
		conf, conf_path, NULL };
	struct fc *f = s->own;
	int r;

	if (f->from < 0 && f->conf.conf < 0)
		fcconf_make(&f->conf, s);
	f->sockets = s->dir;
	r = fc_sockets(f);
	argv[2] = vm_name_error(s->name) ? name : s->name;
	/* A snapshot is loaded into one that has no configuration. */
	argv[7] = f->from < 0 ? conf : NULL;
	if (f->from < 0)
		unlinkat(s->dir, "restored", 0);
	else
		file_mark_line(s->dir, "restored", "%s", f->from_name);
	l->path = f->conf.find.path;
	l->argv = argv;
	l->fds[l->nfds++] = s->dir;
	l->fds[l->nfds++] = f->conf.image;
	l->fds[l->nfds++] = f->conf.kernel;
	l->fds[l->nfds++] = f->conf.conf;
	if (f->from >= 0)
		l->fds[l->nfds++] = f->from;
	/* It says much on the way, and a starter waits. */
	l->log_waits = f->from >= 0;
	return r ? r : confine_fc(s, l);
}

/* In a jail the sockets are elsewhere: their names here lead there. */
static int
fc_jailed(struct sup *s, struct launch *l)
{
	static char sock[] = "--api-sock", conf[] = "--config-file",
	    log[] = "--log-path", api_path[] = JAIL_SOCKETS "/api.sock",
	    conf_path[] = JAIL_CONF, log_path[] = JAIL_SOCKETS "/" JAIL_LOG;
	static char *const args[] = { sock, api_path, conf, conf_path, log,
		log_path, NULL };
	struct fc *f = s->own;
	struct jail *j = &f->jail;
	int r;

	l->why = f->why;
	if (!jail_make(j, f->why))
		return -ECANCELED;
	l->why = NULL;
	if (j->unlimited)
		sup_note(s, "this host has no cgroups to limit the VMM with");
	f->sockets = j->sockets;
	loop_del(&f->hello);
	r = fc_sockets(f);
	if (r || fchownat(j->sockets, "vsock.sock_1024", j->uid, j->gid, 0) ||
	    symlinkat("jail/sockets/api.sock", s->dir, "api.sock") ||
	    symlinkat("jail/sockets/vsock.sock", s->dir, "vsock.sock"))
		return r ? r : -errno;
	l->path = j->jailer;
	l->argv = jail_argv(j, args);
	l->jail = j;
	return 0;
}

static int
fc_launch(struct sup *s, struct launch *l)
{
	struct fc *f = s->own;

	unlinkat(s->dir, "api.sock", 0);
	unlinkat(s->dir, "vsock.sock", 0);
	vm_note(s->dir, "accel", "kvm");
	vm_note(s->dir, "vmm_version", "%s", f->conf.find.version);
	return f->conf.jailed ? fc_jailed(s, l) : fc_free(s, l);
}

static enum vmm_end
fc_ended(struct sup *s, int status)
{
	struct fc *f = s->own;

	fcask_end(f);
	fcagent_end(f);
	return WIFEXITED(status) && !WEXITSTATUS(status) ? VMM_RESET :
	    VMM_SILENT;
}

/* Another VMM may be: that is for who started this one to know. */
static bool
fc_retry(struct sup *s, const char *why)
{
	(void)s;
	(void)why;
	return false;
}

static const char *
fc_hold(struct sup *s)
{
	struct fc *f = s->own;
	int r = f->from >= 0 ? 0 : fcask_state(f);

	if (f->from >= 0)
		return "it is being restored";
	if (r)
		return strerror(-r);
	fcagent_hold(f);
	return NULL;
}

static void
fc_resume(struct sup *s)
{
	fcask_state(s->own);
}

static void
fc_ready(struct sup *s)
{
	fcask_ready(s->own);
}

static const struct vmm fc_vmm = { .name = "Firecracker",
	.key = "firecracker", .reason_mark = "ApiError error: ",
	.halts = true, .launch = fc_launch, .ended = fc_ended,
	.retry = fc_retry, .ready = fc_ready, .pause = fc_hold,
	.resume = fc_resume, .carry = fcagent_carry,
	.carried = fcagent_carried };

/* --- the beginning ------------------------------------------------ */

static void
prepare_jail(struct sup *s, struct fc *f)
{
	struct jail *j = &f->jail;
	int64_t mib = sup_number(s, "memory_mib", 1 << 24);
	int cpus = (int)sup_number(s, "vcpu", FC_VCPUS);

	j->vm = s->dir;
	j->image = f->conf.image;
	j->kernel = f->conf.kernel;
	j->conf = f->conf.conf;
	/* Beyond the guest's: its own, page tables, and buffers of disks. */
	j->limits = (struct cgroup_limits){ (mib + mib / 16 + 256) << 20,
		cpus + 16, cpus + 1 };
	if (!jail_find(j, f->conf.find.path, f->why))
		sup_refuse(s, "%s", f->why);
}

void
fcvmm_init(struct fc *f, struct sup *s, int from, const char *from_name)
{
	fcconf_open(&f->conf, s);
	if (from < 0)
		fcconf_make(&f->conf, s);
	if (fc_is(&f->conf.find, FC_UNTRIED))
		warn("Firecracker %s is newer than what was tried (1.14)",
		    f->conf.find.version);
	if (f->conf.jailed)
		prepare_jail(s, f);
	f->sup = s;
	fcagent_init(f);
	f->files.fd = f->watched = f->unasked.fd = f->patience.fd = -1;
	f->birth = f->mapping = -1;
	f->answer.fd = f->api.fd = f->snapshot = -1;
	f->from = from;
	f->from_name = from_name;
	s->vmm = &fc_vmm;
	s->own = f;
}
