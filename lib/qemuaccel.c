/* qemuaccel.c - what QEMU executes its guest with; see qemucmd.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "qemucmd.h"
#include "tsc.h"

/*
 * A thread for each processor that is emulated, or one for all? With one
 * each, about one boot in a hundred hung (QEMU 7.2: spinning on kernel text
 * that had just been patched; 10.0: a timer interrupt taken and never served)
 * or crashed QEMU. So that is for who asks for it, and for a machine that runs
 * machines, which boots seldom and is too slow in one.
 */
static bool
parallel(const struct qemucmd *c)
{
	const char *asked = getenv("BANGER_EMULATION");

	return c->nested || (asked && !strcmp(asked, "parallel"));
}

/*
 * How fast the processor's counter runs, KVM tells its guests, and who emulates
 * has to: microvm has no timer of old to measure it with, and where there is
 * one a busy host makes the measurement wrong, once by nine times, for good.
 *
 * QEMU 7.2 keeps what it has translated by virtual address, so a program whose
 * addresses are random is translated anew each time it is executed: half of
 * what starting a process costs, 15 ms of 30, is that. An emulated guest is
 * given random ones only if its kernel's line asks for them, by
 * sysctl.kernel.randomize_va_space=2. Nor does it clear memory that is about
 * to be overwritten, a seventh of what moving bytes through a pipe takes.
 *
 * Nor does it use SMAP (feature 308), with which it opens and closes the door
 * to a program's memory for each access. Emulation leaves its translated code
 * at either, and has two maps of the kernel to fill: a seventh of what making
 * a file takes. The words go with the kernel's memory into snapshots; what the
 * processor offers stays as it was in those of before.
 */
static void
line(struct qemucmd *c)
{
	uint32_t khz = c->kvm ? 0 : tsc_khz();
	/* The other one is for our own kernel, and its timer is QEMU's. */
	autofree char *clock = khz ? xasprintf(" tsc_early_khz=%u%s", khz,
	    c->microvm ? " lapic_timer_khz=1000000" : "") : xstrdup("");

	free(*c->line);
	*c->line = xasprintf("%s%s%s", c->words, clock,
	    c->kvm ? "" :
	    " init_on_alloc=0 cgroup.memory=nokmem "
	    "clearcpuid=308 norandmaps");
}

void
qemucmd_accelerate(struct qemucmd *c, bool kvm)
{
	c->kvm = kvm;
	line(c);
	free(*c->accel);
	free(*c->cpu);
	*c->accel = xstrdup(kvm ? "kvm" : parallel(c) ? "tcg,thread=multi" :
	    "tcg,thread=single");
	/*
	 * Without `nested` a guest sees no virtualisation of its own. Fast
	 * "rep movsb" is what emulation is slowest at, byte by byte: a guest
	 * that is not told of it copies thirty times as fast.
	 */
	if (c->nested)
		*c->cpu = xstrdup(kvm ? "host" : "EPYC-v3,erms=off");
	else
		*c->cpu = xstrdup(kvm ? "host,vmx=off,svm=off" :
		    "max,vmx=off,svm=off,erms=off,fsrm=off");
}
