/* bng-fc - one machine under Firecracker
 *
 * SPDX-License-Identifier: MIT
 *
 * https://github.com/firecracker-microvm/firecracker/tree/main/docs
 *
 * usage: bng-fc start VM
 *        bng-fc stop [-t SECONDS] VM
 *        bng-fc kill [-s SIGNAL] VM
 *        bng-fc wait [-t SECONDS] VM
 *        bng-fc status VM
 *        bng-fc pause VM
 *        bng-fc resume VM
 *        bng-fc snapshot [-t] VM DIR
 *        bng-fc restore [-gmn] VM DIR [COMMAND [ARGUMENT ...]]
 *        bng-fc probe
 *
 * VM is a machine's name, or its directory when it holds a '/'.
 *
 *   start   start it, and leave a supervisor beside it
 *   stop    let the guest power itself off; end it after SECONDS (12)
 *   kill    send SIGNAL (KILL) to Firecracker, and wait for the end if it
 *           ends it
 *   wait    wait until it runs no more
 *   status  print its state and Firecracker's pid, tab-separated
 *   pause   stop its processors; resume lets them go on
 *   snapshot  make the directory DIR of its disks and, when it runs, its
 *           memory; print for how many milliseconds it stood still for that
 *           (-t: DIR need not survive a crash of the host)
 *   restore make it, which must not run, what it was then, and let it go on
 *           (-m: its disks are moved from DIR, and DIR is gone in the end;
 *           -g: gc first, which says on stderr what it does; -n: only see
 *           that it could be, whether it runs or not). Then become COMMAND
 *   probe   print "ok", "kvm", the version and the path; or "no" (there is
 *           none that could be used) or "unfit" (KVM is not usable), why, and
 *           perhaps what to type, tab-separated
 *
 * exit: 0 done or running, 1 not running (start: already running; wait: still
 * running; probe: no), 100 wrong usage, 111 failed
 */
#include "api.h"
#include "bng.h"
#include "fcsnap.h"
#include "fcvmm.h"
#include "kvm.h"
#include "proc.h"
#include "snapshot.h"
#include "vmctl.h"

enum { API_MS = 5000 };

/* Who restores one knew it when it was started. */
static void
say_network(int dir)
{
	char net[16] = "";

	if (file_line(dir, "net", net, sizeof(net)) < 0 || strcmp(net, "none"))
		warn("net: none (Firecracker has no user-mode network)");
}

static int
fc_start(int argc, char *argv[])
{
	static struct sup s;
	static struct fc f;
	char why[FC_WHY];
	const char *none = NULL;

	sup_lock(&s, vmctl_operand(argc, argv, "", &none), -1);
	snapshot_refuse_half(&s);
	if (!fc_find(&f.conf.find, why))
		sup_refuse(&s, "%s", why);
	fcvmm_init(&f, &s, -1, NULL);
	say_network(s.dir);
	sup_start(&s);
	return EXIT_YES;
}

static int
fc_snapshot(int argc, char *argv[])
{
	return snapshot_make(argc, argv, &fcsnap);
}

static int
fc_restore(int argc, char *argv[])
{
	static struct sup s;
	static struct fc f;
	struct snapshot sn;
	char why[FC_WHY];

	snapshot_open(&sn, argc, argv, &s, &fcsnap);
	if (!fc_find(&f.conf.find, why))
		die("cannot restore machine '%s': %s", s.name, why);
	fcsnap_check(&sn, &f.conf.find);
	if (sn.only_look)
		return EXIT_YES;
	snapshot_apply(&sn);
	if (sn.memory >= 0) {
		fcvmm_init(&f, &s, sn.dir, sn.name);
		/* Firecracker opens it by its name. */
		close(sn.memory);
		sup_start(&s);
	}
	snapshot_used(&sn);
	return become(sn.command);
}

/* Ask the API of a machine; the reason of a failure is why, else errno's. */
static int
call(int dir, const char *method, const char *path, const char *body,
    char *text, size_t size)
{
	struct api *a = xcalloc(1, sizeof(*a));
	int r = api_call(a, dir, "api.sock", method, path, body, API_MS);

	text[0] = '\0';
	if (r == -EREMOTEIO)
		api_text(a, "fault_message", text, size);
	else if (!r && a->status == 200)
		api_text(a, "state", text, size);
	free(a);
	return r;
}

static int
fc_status(int argc, char *argv[])
{
	const char *none = NULL;
	int dir = vmctl_open(vmctl_operand(argc, argv, "", &none), false);
	const char *state = vmctl_state(dir);
	bool runs = !strcmp(state, "running") || !strcmp(state, "starting");
	pid_t pid = runs ? proc_load(dir, "pid") : 0;
	char text[64];

	if (pid > 0 && !call(dir, "GET", "/", NULL, text, sizeof(text)) &&
	    !strcmp(text, "Paused"))
		state = "paused";
	printf("%s\t%d\n", state, pid > 0 ? (int)pid : 0);
	return runs ? EXIT_YES : EXIT_NO;
}

static int
patch(int dir, const char *vm, const char *body, const char *what)
{
	char why[512];
	int r = call(dir, "PATCH", "/vm", body, why, sizeof(why));

	if (!r)
		return EXIT_YES;
	die("cannot %s '%s': %s", what, vm, why[0] ? why : strerror(-r));
}

static int
fc_pause(int argc, char *argv[])
{
	const char *none = NULL, *vm = vmctl_operand(argc, argv, "", &none);
	int dir = vmctl_open(vm, true);
	char version[FC_VERSION] = "";

	file_line(dir, "vmm_version", version, sizeof(version));
	if (fc_version_is(version, FC_DEAF_AFTER_PAUSE))
		die("cannot pause '%s': Firecracker %s could not be reached "
		    "afterwards", vm, version);
	return patch(dir, vm, FC_PAUSED, "pause");
}

static int
fc_resume_verb(int argc, char *argv[])
{
	const char *none = NULL, *vm = vmctl_operand(argc, argv, "", &none);

	return patch(vmctl_open(vm, true), vm, FC_RESUMED, "resume");
}

static int
fc_probe(int argc, char *argv[])
{
	struct fcfind f;
	char why[FC_WHY], reason[KVM_REASON];

	(void)argv;
	if (argc > 1)
		die_usage("too many operands");
	if (!fc_find(&f, why)) {
		printf("no\t%s\ttry: banger vmm pull firecracker\n", why);
		return EXIT_NO;
	}
	if (!kvm_usable(reason)) {
		printf("unfit\tno usable KVM: %s\n", reason);
		return EXIT_NO;
	}
	printf("ok\tkvm\t%s\t%s\n", f.version, f.path);
	return EXIT_YES;
}

static int
fc_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "start", fc_start },
		{ "stop", vmctl_stop },
		{ "kill", vmctl_kill },
		{ "wait", vmctl_wait },
		{ "status", fc_status },
		{ "pause", fc_pause },
		{ "resume", fc_resume_verb },
		{ "snapshot", fc_snapshot },
		{ "restore", fc_restore },
		{ "probe", fc_probe },
		{ NULL, NULL },
	};

	return verbs_run(verbs, argc, argv);
}

APPLET(fc, PLAIN);
