/* storelist.h - images and kernels as a table and as JSON, on stdout */
#ifndef BNG_STORELIST_H
#define BNG_STORELIST_H

#include "store.h"
#include "vmlist.h"

/* An exit status: 1 when a name does not exist. */
int storelist(const struct store *s, const struct list_how *how);

#endif
