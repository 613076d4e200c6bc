/* vmlist.h - machines as a table and as JSON, on stdout */
#ifndef BNG_VMLIST_H
#define BNG_VMLIST_H

#include "listing.h"

/* Each returns an exit status: 1 when a name does not exist. */
int vmlist(const struct list_how *how);
int vmshow(const char *name, bool json);

#endif
