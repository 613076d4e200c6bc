/* qemusnap.c - QEMU's part of a snapshot; see qemusnap.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "kvm.h"
#include "qemucmd.h"
#include "qemusnap.h"

enum { ANSWER_MS = 10000, VERSION = 64 };

/* One snapshot under way. */
static struct {
	struct qmp_session qmp;
	bool over, good;
} save;

static void
on_event(void *ctx, const char *event, const cJSON *data)
{
	const char *status = qmp_text(data, "status");

	(void)ctx;
	if (strcmp(event, "MIGRATION"))
		return;
	save.good = !strcmp(status, "completed");
	save.over = save.good || !strcmp(status, "failed") ||
	    !strcmp(status, "cancelled");
}

noreturn_fn static void
fail(const struct snapshot *sn, int r)
{
	die("cannot save the memory of '%s': %s", sn->vm_name,
	    r == -EREMOTEIO ? save.qmp.why :
	    r == -EPIPE ? "QEMU has ended" : strerror(-r));
}

static void
begin(struct snapshot *sn)
{
	/* As fast as the disk takes it. */
	static const char *const words[] = {
		"{\"execute\":\"migrate-set-parameters\",\"arguments\":"
		"{\"max-bandwidth\":1099511627776}}",
		"{\"execute\":\"getfd\",\"arguments\":"
		"{\"fdname\":\"memory\"}}",
		"{\"execute\":\"migrate\",\"arguments\":"
		"{\"uri\":\"fd:memory\"}}",
	};
	int r;

	save.qmp.event = on_event;
	r = qmp_open(&save.qmp, sn->vm, ANSWER_MS);
	for (size_t i = 0; !r && i < ARRAY_SIZE(words); i++)
		r = qmp_ask(&save.qmp, words[i], i == 1 ? sn->memory : -1,
		    ANSWER_MS);
	if (r)
		fail(sn, r);
}

/* Why it failed, as far as QEMU tells. */
static const char *
reason(void)
{
	const char *why = "";

	if (!qmp_ask(&save.qmp, "{\"execute\":\"query-migrate\"}", -1,
	    ANSWER_MS))
		why = qmp_text(save.qmp.answer, "error-desc");
	return why[0] ? why : "QEMU could not write it";
}

static void
finish(struct snapshot *sn)
{
	int r = 0;

	while (!r && !save.over)
		r = qmp_turn(&save.qmp, -1);
	if (r)
		fail(sn, r);
	if (!save.good)
		die("cannot save the memory of '%s': %s", sn->vm_name,
		    reason());
	qmp_close(&save.qmp);
}

const struct snapshot_vmm qemusnap = { .name = "qemu", .title = "QEMU",
	.begin = begin, .finish = finish };

/* The version of the QEMU that a start would run: "7.2.22". */
static void
version_here(const struct snapshot *sn, char version[VERSION])
{
	FILE *f = popen("qemu-system-x86_64 --version 2>&1", "re");
	char line[256];

	if (!f || !fgets(line, sizeof(line), f) ||
	    sscanf(line, "QEMU emulator version %63[0-9.]", version) != 1)
		die("cannot restore machine '%s': there is no "
		    "qemu-system-x86_64", sn->vm_name);
	pclose(f);
}

void
qemusnap_check(const struct snapshot *sn)
{
	char here[VERSION], why[KVM_REASON];

	if (sn->memory < 0)
		return;
	version_here(sn, here);
	snapshot_check_version(sn, "QEMU", here);
	if (snapshot_says(sn, "accel", "kvm") && !kvm_usable(why))
		die("cannot restore machine '%s': the snapshot was made with "
		    "KVM, which cannot be used now: %s", sn->vm_name, why);
}

int
qemusnap_load(const struct qmp *q)
{
	char object[96];

	snprintf(object, sizeof(object), "{\"execute\":\"migrate-incoming\","
	    "\"arguments\":{\"uri\":\"fd:%d\"}}", FD_MEMORY);
	return qmp_say(q, object, -1);
}
