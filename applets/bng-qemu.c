/* bng-qemu - one machine under QEMU
 *
 * SPDX-License-Identifier: MIT
 *
 * https://www.qemu.org/docs/master/interop/qmp-spec.html
 *
 * usage: bng-qemu start [-b FD] VM
 *        bng-qemu stop [-t SECONDS] VM
 *        bng-qemu kill [-s SIGNAL] VM
 *        bng-qemu wait [-t SECONDS] VM
 *        bng-qemu status VM
 *        bng-qemu pause VM
 *        bng-qemu resume VM
 *        bng-qemu snapshot [-t] VM DIR
 *        bng-qemu restore [-gmn] VM DIR [COMMAND [ARGUMENT ...]]
 *        bng-qemu probe
 *        bng-qemu kvm
 *        bng-qemu landlock
 *
 * VM is a machine's name, or its directory when it holds a '/'.
 *
 *   start   start it, and leave a supervisor beside it (-b: which keeps that
 *           descriptor until the guest is ready, or 30 s: a turn to boot)
 *   stop    let the guest power itself off; end it after SECONDS (12)
 *   kill    send SIGNAL (KILL) to QEMU, and wait for the end if it ends it
 *   wait    wait until it runs no more
 *   status  print its state and QEMU's pid, tab-separated
 *   pause   stop its processors; resume lets them go on
 *   snapshot  make the directory DIR of its disks and, when it runs, its
 *           memory; print for how many milliseconds it stood still for that
 *           (-t: DIR need not survive a crash of the host)
 *   restore make it, which must not run, what it was then, and let it go on
 *           (-m: its disks are moved from DIR, and DIR is gone in the end;
 *           -g: gc first, which says on stderr what it does; -n: only see
 *           that it could be, whether it runs or not). Then become COMMAND
 *   probe   print "ok", "kvm" or "tcg", "-" (the version, which nobody asks),
 *           the path, and why not kvm; or "no", that there is no QEMU, and
 *           what to type, tab-separated
 *   kvm     print "yes", or "no" and why KVM is not usable, tab-separated
 *   landlock
 *           print the ABI of the kernel's Landlock, which confines QEMU
 *
 * exit: 0 done or running, 1 not running (start: already running; wait: still
 * running; probe, kvm: no; landlock: there is none), 100 wrong usage, 111
 * failed
 */
#include "bng.h"
#include "kvm.h"
#include "proc.h"
#include "qemusnap.h"
#include "qemuvmm.h"
#include "qmp.h"
#include "snapshot.h"
#include "spawn.h"
#include "vmctl.h"

#define QEMU "qemu-system-x86_64"

enum { QMP_MS = 5000 };

static void
check_nested(struct sup *s, const struct qemu *q)
{
	const char *module = NULL;

	if (q->cmd.kvm && q->cmd.nested && !kvm_nests(&module))
		sup_refuse(s, "it is to have virtualisation of its own, and "
		    "%s does not allow it (load it with nested=1)", module);
}

static int
qemu_start(int argc, char *argv[])
{
	static struct sup s;
	static struct qemu q;
	char why[KVM_REASON];
	const char *fd = NULL;
	const char *vm = vmctl_operand(argc, argv, "b:", &fd);

	sup_lock(&s, vm, fd ? (int)xnum(fd, 3, 1 << 20, "descriptor") : -1);
	snapshot_refuse_half(&s);
	qemuvmm_init(&q, &s);
	qemucmd_accelerate(&q.cmd, kvm_usable(why));
	check_nested(&s, &q);
	qemuvmm_note_accel(&q, why);
	sup_start(&s);
	return EXIT_YES;
}

static int
qemu_snapshot(int argc, char *argv[])
{
	return snapshot_make(argc, argv, &qemusnap);
}

static int
qemu_restore(int argc, char *argv[])
{
	static struct sup s;
	static struct qemu q;
	struct snapshot sn;

	snapshot_open(&sn, argc, argv, &s, &qemusnap);
	qemusnap_check(&sn);
	if (sn.only_look)
		return EXIT_YES;
	snapshot_apply(&sn);
	if (sn.memory >= 0) {
		qemuvmm_init(&q, &s);
		qemucmd_accelerate(&q.cmd, snapshot_says(&sn, "accel", "kvm"));
		qemuvmm_from(&q, sn.memory, sn.name);
		close(sn.dir);
		sup_start(&s);
	}
	snapshot_used(&sn);
	return become(sn.command);
}

static int
qemu_status(int argc, char *argv[])
{
	const char *none = NULL;
	int dir = vmctl_open(vmctl_operand(argc, argv, "", &none), false);
	const char *state = vmctl_state(dir);
	cJSON *answer = NULL;
	bool runs = !strcmp(state, "running") || !strcmp(state, "starting");
	pid_t pid = runs ? proc_load(dir, "pid") : 0;

	if (pid > 0 && !qmp_command(dir, "query-status", QMP_MS, &answer) &&
	    cJSON_IsFalse(cJSON_GetObjectItem(answer, "running")))
		state = "paused";
	printf("%s\t%d\n", state, pid > 0 ? (int)pid : 0);
	return runs ? EXIT_YES : EXIT_NO;
}

static int
command(int argc, char *argv[], const char *what, const char *done)
{
	const char *none = NULL;
	const char *vm = vmctl_operand(argc, argv, "", &none);
	int r = qmp_command(vmctl_open(vm, true), what, QMP_MS, NULL);

	if (r)
		die_cannot(r, done, vm);
	return EXIT_YES;
}

static int
qemu_pause_verb(int argc, char *argv[])
{
	return command(argc, argv, "stop", "pause");
}

static int
qemu_resume_verb(int argc, char *argv[])
{
	return command(argc, argv, "cont", "resume");
}

static int
qemu_probe(int argc, char *argv[])
{
	char why[KVM_REASON];
	const char *path = spawn_find(QEMU);

	(void)argv;
	if (argc > 1)
		die_usage("too many operands");
	if (!path) {
		puts("no\t" QEMU " is not installed\t"
		    "try: apt install qemu-system-x86");
		return EXIT_NO;
	}
	if (kvm_usable(why))
		printf("ok\tkvm\t-\t%s\n", path);
	else
		printf("ok\ttcg\t-\t%s\t%s\n", path, why);
	return EXIT_YES;
}

static int
qemu_kvm(int argc, char *argv[])
{
	char why[KVM_REASON];

	(void)argv;
	if (argc > 1)
		die_usage("too many operands");
	if (!kvm_usable(why)) {
		printf("no\t%s\n", why);
		return EXIT_NO;
	}
	puts("yes");
	return EXIT_YES;
}

static int
qemu_landlock(int argc, char *argv[])
{
	int abi = confine_abi();

	(void)argv;
	if (argc > 1)
		die_usage("too many operands");
	if (abi < 0)
		return EXIT_NO;
	printf("%d\n", abi);
	return EXIT_YES;
}

static int
qemu_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "start", qemu_start },
		{ "stop", vmctl_stop },
		{ "kill", vmctl_kill },
		{ "wait", vmctl_wait },
		{ "status", qemu_status },
		{ "pause", qemu_pause_verb },
		{ "resume", qemu_resume_verb },
		{ "snapshot", qemu_snapshot },
		{ "restore", qemu_restore },
		{ "probe", qemu_probe },
		{ "kvm", qemu_kvm },
		{ "landlock", qemu_landlock },
		{ NULL, NULL },
	};

	return verbs_run(verbs, argc, argv);
}

APPLET(qemu, PLAIN);
