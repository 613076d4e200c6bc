/* vmms.h - the VMMs that there are
 *
 * A row: what the value `vmm` calls it, and whether its machines reach the
 * network through it, as an ordinary user (net=user). The front end's table,
 * which says what it asks of each, is each_vmm of sh/vmms.
 */
#ifndef BNG_VMMS_H
#define BNG_VMMS_H

#define VMMS(X) \
	X("firecracker", false) \
	X("qemu", true)

#define VMM_WORD(name, network) " " name

/* What one may be asked for, for a form of words. */
#define VMM_WORDS "auto" VMMS(VMM_WORD)

#endif
