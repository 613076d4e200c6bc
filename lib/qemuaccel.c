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
 * microvm has no timer of old to measure the processor's counter with: KVM
 * tells its guests how fast that runs, and who emulates has to.
 */
static void
line(struct qemucmd *c)
{
	uint32_t khz = c->microvm && !c->kvm ? tsc_khz() : 0;

	free(*c->line);
	/* The other one is for our own kernel, and its timer is QEMU's. */
	*c->line = khz ? xasprintf("%s tsc_early_khz=%u "
	    "lapic_timer_khz=1000000", c->words, khz) : xstrdup(c->words);
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
