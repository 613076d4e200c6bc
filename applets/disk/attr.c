/* attr.c - extended attributes and ACLs from a tar member into an inode
 *
 * SPDX-License-Identifier: MIT
 *
 * What is plain and short goes behind the inode at once. For the rest libext2fs
 * finds the place (inode or block) and turns the kernel's form of an ACL, which
 * is what we give it, into ext4's own.
 */
#include <endian.h>
#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <pwd.h>

#include "disk.h"
#include "tar.h"

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
set(struct ext2_xattr_handle *h, const char *key, const void *value, size_t n)
{
	static bool warned;
	errcode_t err;

	if (!is_ours(key)) {
		if (!warned)
			warn("left out attributes such as '%s'", key);
		warned = true;
		return;
	}
	err = ext2fs_xattr_set(h, key, value, n);
	if (err)
		die_member("attribute '%s': %s", key, error_message(err));
}

/* A tar names users and groups, by number where its maker was careful. */
static uint32_t
acl_id(bool is_user, const char *name)
{
	struct passwd *p;
	struct group *g;
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(name, &end, 10);
	if (*name >= '0' && *name <= '9' && !*end && !errno && n < UINT32_MAX)
		return (uint32_t)n;
	if (is_user && (p = getpwnam(name)))
		return p->pw_uid;
	if (!is_user && (g = getgrnam(name)))
		return g->gr_gid;
	die_member("its ACL names '%s', which is unknown here", name);
}

/* "rwx" with what is missing left out or '-'. */
static uint16_t
acl_perm(const char *text)
{
	if (text[strspn(text, "rwx-")])
		die_member("its ACL is not POSIX.1e");
	return (uint16_t)((strchr(text, 'r') ? 4 : 0) |
	    (strchr(text, 'w') ? 2 : 0) | (strchr(text, 'x') ? 1 : 0));
}

/* "user:NAME:rwx", which may have a number behind it: that counts. */
static struct posix_acl_xattr_entry
acl_entry(char *text)
{
	char *who = strsep(&text, ":"), *name = strsep(&text, ":");
	char *perm = strsep(&text, ":"), *id = strsep(&text, ":");
	bool named = name && *name;
	uint16_t tag;

	/* "mask::rwx" is "mask:rwx" as well. */
	if (named && !perm && (*who == 'm' || *who == 'o')) {
		perm = name;
		named = false;
	}
	if (!perm)
		die_member("its ACL is not POSIX.1e");
	switch (*who) {
	case 'u':
		tag = named ? ACL_USER : ACL_USER_OBJ;
		break;
	case 'g':
		tag = named ? ACL_GROUP : ACL_GROUP_OBJ;
		break;
	case 'm':
		tag = ACL_MASK;
		break;
	case 'o':
		tag = ACL_OTHER;
		break;
	default:
		die_member("its ACL is not POSIX.1e");
	}
	return (struct posix_acl_xattr_entry){
		.e_tag = htole16(tag),
		.e_perm = htole16(acl_perm(perm)),
		.e_id = htole32(!named ? (uint32_t)ACL_UNDEFINED_ID :
		    acl_id(*who == 'u', id && *id ? id : name)),
	};
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

static void
set_acl(struct ext2_xattr_handle *h, const char *key, const char *text)
{
	autofree char *copy = xstrdup(text);
	static struct acl acl;
	char *rest = copy, *one;
	size_t n = 0;

	acl.head.a_version = htole32(POSIX_ACL_XATTR_VERSION);
	while ((one = strsep(&rest, ",\n"))) {
		one[strcspn(one, " \t#")] = '\0';
		if (!*one)
			continue;
		if (n == ACL_MAX)
			die_member("its ACL is too long");
		acl.v[n++] = acl_entry(one);
	}
	qsort(acl.v, n, sizeof(*acl.v), by_tag);
	/* Owner, group and others alone are what the mode says. */
	if (n > 3 || (n && !strcmp(key, "system.posix_acl_default")))
		set(h, key, &acl, sizeof(acl.head) + n * sizeof(*acl.v));
}

/* The index that stands for a name's beginning, and what is left of it. */
static uint8_t
short_name(const char *key, const char **ret_rest)
{
	static const struct {
		const char *prefix;
		uint8_t index;
	} v[] = { { "user.", 1 }, { "trusted.", 4 }, { "security.", 6 } };

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		size_t n = strlen(v[i].prefix);

		*ret_rest = key + n;
		if (!strncmp(key, v[i].prefix, n) && key[n])
			return v[i].index;
	}
	return 0;
}

/*
 * https://docs.kernel.org/filesystems/ext4/attributes.html: entries from the
 * front, values from the back. False: it is not that easy.
 */
static bool
pack(const struct tar_entry *e, uint8_t area[INODE_TAIL])
{
	uint8_t *base = area + 4, *p = base, *value = area + INODE_TAIL;

	memset(area, 0, INODE_TAIL);
	*(uint32_t *)(void *)area = htole32(EXT2_EXT_ATTR_MAGIC);
	for (size_t i = 0; i < e->n_xattrs; i++) {
		const struct tar_xattr *x = &e->xattrs[i];
		struct ext2_ext_attr_entry *to = (void *)p;
		const char *name;
		uint8_t index = short_name(x->name, &name);
		size_t len = strlen(name), room = (x->len + 3) & ~3u;

		for (size_t j = 0; j < i; j++)
			if (!strcmp(e->xattrs[j].name, x->name))
				return false;
		if (!index || x->len > INODE_TAIL || len > INODE_TAIL ||
		    EXT2_EXT_ATTR_LEN(len) + room + 4 > (size_t)(value - p))
			return false;
		value -= room;
		memcpy(value, x->value, x->len);
		to->e_name_len = (uint8_t)len;
		to->e_name_index = index;
		to->e_value_offs = x->len ?
		    htole16((uint16_t)(value - base)) : 0;
		to->e_value_size = htole32((uint32_t)x->len);
		memcpy(p + sizeof(*to), name, len);
		p += EXT2_EXT_ATTR_LEN(len);
	}
	return true;
}

void
attrs_import(struct image *im, ext2_ino_t ino, const struct tar_entry *e)
{
	uint8_t area[INODE_TAIL] __attribute__((aligned(8)));
	struct ext2_xattr_handle *h;
	errcode_t err;

	if (!e->n_xattrs && !e->acl && !e->default_acl)
		return;
	if (!e->acl && !e->default_acl && pack(e, area)) {
		inode_tail(im, ino, area);
		return;
	}
	initialize_ext2_error_table();
	image_settle(im);
	err = ext2fs_xattrs_open(im->fs, ino, &h);
	if (!err)
		err = ext2fs_xattrs_read(h);
	if (err)
		die_member_ext(err, "");
	for (size_t i = 0; i < e->n_xattrs; i++)
		set(h, e->xattrs[i].name, e->xattrs[i].value,
		    e->xattrs[i].len);
	if (e->acl)
		set_acl(h, "system.posix_acl_access", e->acl);
	if (e->default_acl)
		set_acl(h, "system.posix_acl_default", e->default_acl);
	ext2fs_xattrs_close(&h);
}
