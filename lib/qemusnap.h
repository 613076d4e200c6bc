/* qemusnap.h - QEMU's part of a snapshot: its memory and devices as a file
 *
 * The file `memory` is what QEMU calls a migration stream, written while the
 * processors stand still: it holds each page that is not zeros, and the state
 * of every device.
 */
#ifndef BNG_QEMUSNAP_H
#define BNG_QEMUSNAP_H

#include "qmp.h"
#include "snapshot.h"

extern const struct snapshot_vmm qemusnap;

/* Dies when this host's QEMU cannot go on from there. */
void qemusnap_check(const struct snapshot *sn);

/* Have a QEMU that waits for it read the memory at FD_MEMORY. 0 or -errno. */
int qemusnap_load(const struct qmp *q);

#endif
