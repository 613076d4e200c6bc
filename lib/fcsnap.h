/* fcsnap.h - Firecracker's part of a snapshot: its memory and devices as files
 *
 * `memory` is the guest's, page by page, as sparse as it is empty; `state` the
 * devices'. Firecracker maps the first when it goes on from there, so many
 * machines share what none of them has changed. It writes them into VM_DUMP,
 * a directory of the machine's that nothing else of it is in: it may make
 * files nowhere else.
 */
#ifndef BNG_FCSNAP_H
#define BNG_FCSNAP_H

#include "fcfind.h"
#include "snapshot.h"


extern const struct snapshot_vmm fcsnap;

/* Dies when this Firecracker cannot go on from there. */
void fcsnap_check(const struct snapshot *sn, const struct fcfind *f);

/* What PUT /snapshot/load is told, the snapshot being descriptor `fd`. */
void fcsnap_load(int fd, char *body, size_t size);

#endif
