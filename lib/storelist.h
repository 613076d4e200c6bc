/* storelist.h - images and kernels as a table and as JSON, on stdout */
#ifndef BNG_STORELIST_H
#define BNG_STORELIST_H

#include "store.h"
#include "vmlist.h"

/* An exit status: 1 when a name does not exist. */
int storelist(const struct store *s, const struct list_how *how);

/* One of them, with the machines (and images) that refer to it. */
int storeshow(const struct store *s, const char *name, bool json);

/*
 * "image NAME" and "machine NAME", a line each, of what refers to it; or, when
 * it is absent, to where it would be in the state directory.
 */
int storeuses(const struct store *s, const char *name);

#endif
