/* attr.c - extended attributes and ACLs from a tar member into an inode
 *
 * SPDX-License-Identifier: MIT
 *
 * libext2fs places the attributes (inode or block) and turns the kernel's form
 * of an ACL, which is what we give it, into ext4's own.
 */
#include <archive.h>
#include <archive_entry.h>
#include <endian.h>
#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <pwd.h>

#include "disk.h"

enum { ACL_MAX = 500 };		/* entries; a block holds fewer */

struct acl {
	struct posix_acl_xattr_header head;
	struct posix_acl_xattr_entry v[ACL_MAX];
};

/* What Linux keeps on ext4; a tar of another system may hold more. */
static bool
is_ours(const char *key)
{
	static const char *const prefixes[] = { "user.", "trusted.",
		"security." };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(key, prefixes[i], strlen(prefixes[i])) &&
		    key[strlen(prefixes[i])])
			return true;
	return !strcmp(key, "system.posix_acl_access") ||
	    !strcmp(key, "system.posix_acl_default");
}

static void
set(struct ext2_xattr_handle *h, const char *key, const void *value, size_t n,
    const char *what)
{
	static bool warned;
	errcode_t err;

	if (!is_ours(key)) {
		if (!warned)
			warn("left out attributes such as '%s' of '%s'", key,
			    what);
		warned = true;
		return;
	}
	err = ext2fs_xattr_set(h, key, value, n);
	if (err)
		die_ext(err, "cannot import '%s': attribute '%s'", what, key);
}

/* A tar names users and groups, by number where its maker was careful. */
static uint32_t
acl_id(int tag, int id, const char *name, const char *what)
{
	char *end;
	unsigned long n;

	if (tag != ARCHIVE_ENTRY_ACL_USER && tag != ARCHIVE_ENTRY_ACL_GROUP)
		return (uint32_t)ACL_UNDEFINED_ID;
	if (id >= 0)
		return (uint32_t)id;
	errno = 0;
	n = strtoul(name ? name : "", &end, 10);
	if (name && *name >= '0' && *name <= '9' && !*end && !errno &&
	    n < UINT32_MAX)
		return (uint32_t)n;
	if (name && tag == ARCHIVE_ENTRY_ACL_USER) {
		struct passwd *p = getpwnam(name);

		if (p)
			return p->pw_uid;
	} else if (name) {
		struct group *g = getgrnam(name);

		if (g)
			return g->gr_gid;
	}
	die("cannot import '%s': its ACL names '%s', which is unknown here",
	    what, name ? name : "");
}

static uint16_t
acl_tag(int tag, const char *what)
{
	switch (tag) {
	case ARCHIVE_ENTRY_ACL_USER_OBJ:
		return ACL_USER_OBJ;
	case ARCHIVE_ENTRY_ACL_USER:
		return ACL_USER;
	case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
		return ACL_GROUP_OBJ;
	case ARCHIVE_ENTRY_ACL_GROUP:
		return ACL_GROUP;
	case ARCHIVE_ENTRY_ACL_MASK:
		return ACL_MASK;
	case ARCHIVE_ENTRY_ACL_OTHER:
		return ACL_OTHER;
	}
	die("cannot import '%s': it has an ACL that is not POSIX.1e", what);
}

/* The kernel wants them in the order of their tags. */
static int
by_tag(const void *a, const void *b)
{
	const struct posix_acl_xattr_entry *x = a, *y = b;
	unsigned p = le16toh(x->e_tag), q = le16toh(y->e_tag);

	if (p != q)
		return p < q ? -1 : 1;
	return le32toh(x->e_id) < le32toh(y->e_id) ? -1 : 1;
}

/* The entries of one of the two ACLs; 0 when there is none. */
static size_t
get_acl(struct archive_entry *entry, int which, struct acl *acl,
    const char *what)
{
	int type, perm, tag, id;
	const char *name;
	size_t n = 0;

	if (!archive_entry_acl_reset(entry, which))
		return 0;
	acl->head.a_version = htole32(POSIX_ACL_XATTR_VERSION);
	while (archive_entry_acl_next(entry, which, &type, &perm, &tag, &id,
	    &name) == ARCHIVE_OK) {
		if (n == ACL_MAX)
			die("cannot import '%s': its ACL is too long", what);
		acl->v[n++] = (struct posix_acl_xattr_entry){
			.e_tag = htole16(acl_tag(tag, what)),
			.e_perm = htole16((uint16_t)(perm & 7)),
			.e_id = htole32(acl_id(tag, id, name, what)),
		};
	}
	qsort(acl->v, n, sizeof(*acl->v), by_tag);
	return n;
}

static void
set_acl(struct ext2_xattr_handle *h, struct archive_entry *entry, int which,
    const char *what)
{
	struct acl acl;
	size_t n = get_acl(entry, which, &acl, what);

	if (n)
		set(h, which == ARCHIVE_ENTRY_ACL_TYPE_ACCESS ?
		    "system.posix_acl_access" : "system.posix_acl_default",
		    &acl, sizeof(acl.head) + n * sizeof(*acl.v), what);
}

unsigned
attrs_mode(struct archive_entry *entry)
{
	unsigned mode = archive_entry_perm(entry);
	int type, perm, tag, id;
	const char *name;

	/* libarchive shows the group's own bits; a mask takes their place. */
	if (!archive_entry_acl_reset(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS))
		return mode;
	while (archive_entry_acl_next(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS,
	    &type, &perm, &tag, &id, &name) == ARCHIVE_OK)
		if (tag == ARCHIVE_ENTRY_ACL_MASK)
			mode = (mode & ~070u) | ((unsigned)perm & 7) << 3;
	return mode;
}

void
attrs_import(struct image *im, ext2_ino_t ino, struct archive_entry *entry,
    const char *what)
{
	struct ext2_xattr_handle *h;
	const char *key;
	const void *value;
	size_t n;
	errcode_t err;

	if (!archive_entry_xattr_count(entry) &&
	    !archive_entry_acl_types(entry))
		return;
	image_settle(im);
	err = ext2fs_xattrs_open(im->fs, ino, &h);
	if (!err)
		err = ext2fs_xattrs_read(h);
	if (err)
		die_ext(err, "cannot import '%s'", what);
	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &key, &value, &n) == ARCHIVE_OK)
		set(h, key, value, n, what);
	set_acl(h, entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, what);
	set_acl(h, entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, what);
	ext2fs_xattrs_close(&h);
}
