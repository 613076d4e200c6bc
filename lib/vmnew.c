/* vmnew.c - make the directory of a new machine; see vmnew.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <dirent.h>
#include <sys/random.h>
#include <time.h>

#include "bng.h"
#include "manifest.h"
#include "scratch.h"
#include "sshkey.h"
#include "store.h"
#include "vm.h"
#include "vmnew.h"
#include "words.h"

static const char *
given(const struct vm_wish *w, const char *key)
{
	for (int i = w->count; i-- > 0;)
		if (!strcmp(w->given[i].key, key))
			return w->given[i].value;
	return NULL;
}

/* The image's directory, and in w->kernel its kernel's name. */
static char *
find_image(struct vm_wish *w)
{
	char *dir = store_find(&store_images, w->image);
	struct manifest *m;
	int r;
	autoclose int fd = -1;

	if (!dir)
		die_status(VM_NO_IMAGE, "there is no image '%s'", w->image);
	w->kernel = given(w, "kernel");
	if (w->kernel)
		return dir;
	fd = xopen(dir, O_RDONLY | O_DIRECTORY, 0);
	r = manifest_load(fd, "manifest.json", &m);
	if (r)
		die_cannot(r, "read the manifest of image", w->image);
	w->kernel = manifest_str(m, "kernel");
	if (!w->kernel)
		die_status(VM_NO_KERNEL, "image '%s' names no kernel",
		    w->image);
	return dir;
}

static bool
name_taken(int vms, const char *name)
{
	return !faccessat(vms, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

/* Whether somebody is making a machine of this name, apart from `but`. */
static bool
name_being_made(int vms, const char *name, const char *but)
{
	char of[SCRATCH_NAME];
	struct dirent *e;
	pid_t pid;
	int fd = openat(vms, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		die_sys("cannot read '%s'", vms_dir());
	while ((e = readdir(d)))
		if (e->d_name[0] == '.' &&
		    scratch_parse(e->d_name, "new", of, &pid) &&
		    !strcmp(of, name) && (!but || strcmp(e->d_name, but)) &&
		    scratch_alive(vms, e->d_name))
			return true;
	return false;
}

void
vm_pick_name(int vms, char *buf, size_t size)
{
	unsigned start;

	if (getrandom(&start, sizeof(start), 0) != sizeof(start))
		die_sys("cannot get random bytes");
	start %= words_count();
	/* A prime step, so that neighbours in time are not alike. */
	for (unsigned i = 0;; i++) {
		words_name((start + i * 7919) % words_count() +
		    i / words_count() * words_count(), buf, size);
		if (!name_taken(vms, buf) && !name_being_made(vms, buf, NULL))
			return;
	}
}

/*
 * Make the directory. A name of ours is taken only once nobody else is seen
 * at it, or has it by now, in this order: of two that picked the same, the
 * later one sees the earlier.
 */
static char *
make_scratch(int vms, const struct vm_wish *w, int *ret_undo)
{
	char name[SCRATCH_NAME];
	char *dir;

	for (;;) {
		if (!w->name)
			vm_pick_name(vms, name, sizeof(name));
		dir = xscratch_new(vms, vms_dir(), w->name ? w->name : name,
		    w->maker, ret_undo);
		if (w->name ||
		    (!name_being_made(vms, name, strrchr(dir, '/') + 1) &&
		    !name_taken(vms, name)))
			return dir;
		(void)file_rm_tree(AT_FDCWD, dir);
		undo_forget(*ret_undo);
		free(dir);
	}
}

/* For its sshd: made here, as a guest would take long for it. */
static int
put_key(int fd, const char *name)
{
	struct sshkey k;
	int r = sshkey_make(&k, name);

	r = r ? r : vm_put_new(fd, "ssh_host_key", "%s", k.secret);
	r = r ? r : vm_put_new(fd, "ssh_host_key.pub", "%s", k.public);
	sshkey_forget(&k);
	return r;
}

/* What no other machine has. */
static int
put_identity(int fd, const char *dir)
{
	char name[SCRATCH_NAME];
	pid_t pid;
	unsigned char id[16];
	char hex[33];
	int r;

	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		return -errno;
	for (size_t i = 0; i < sizeof(id); i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	r = vm_put_new(fd, "id", "%s", hex);
	r = r ? r : vm_put_new(fd, "created", "%lld", (long long)time(NULL));
	if (r || !scratch_parse(strrchr(dir, '/') + 1, "new", name, &pid))
		return r ? r : -EINVAL;
	return put_key(fd, name);
}

static int
put_values(int fd, const struct vm_wish *w)
{
	const struct vm_key *k;
	const char *v;
	int r = 0;

	for (k = vm_keys; k->key && !r; k++) {
		v = given(w, k->key);
		v = v ? v : k->initial;
		if (v && strcmp(k->key, "kernel"))
			r = vm_put_new(fd, k->key, "%s", v);
	}
	v = given(w, "net");
	if (r || (v && strcmp(v, "user")))
		return r;
	r = vm_put_new(fd, "ip", "10.0.2.15/24");
	r = r ? r : vm_put_new(fd, "gateway", "10.0.2.2");
	return r ? r : vm_put_new(fd, "dns", "10.0.2.3");
}

/* Where it is made, if its name is free. */
static int
open_for(const struct vm_wish *w)
{
	int vms = xvms_open();

	if (w->name && name_taken(vms, w->name))
		die_status(EXIT_NO, "a machine '%s' exists already", w->name);
	if (w->name && name_being_made(vms, w->name, NULL))
		die_status(EXIT_NO, "a machine '%s' is being made already",
		    w->name);
	return vms;
}

char *
xvm_new(struct vm_wish *w, int *ret_undo)
{
	char *image, *kernel, *dir;
	int vms, fd, r;

	image = find_image(w);
	kernel = store_find(&store_kernels, w->kernel);
	if (!kernel)
		die_status(VM_NO_KERNEL, "there is no kernel '%s'", w->kernel);
	vms = open_for(w);
	dir = make_scratch(vms, w, ret_undo);
	fd = xopen(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	r = put_identity(fd, dir);
	r = r ? r : vm_put_new(fd, "image", "%s", w->image);
	r = r ? r : vm_put_new(fd, "image_dir", "%s",
	    store_ref(&store_images, image));
	r = r ? r : vm_put_new(fd, "kernel", "%s", w->kernel);
	r = r ? r : vm_put_new(fd, "kernel_dir", "%s",
	    store_ref(&store_kernels, kernel));
	r = r ? r : put_values(fd, w);
	if (r)
		die_cannot(r, "write the values in", dir);
	close(fd);
	return dir;
}

/* What vm_keys does not have, of a machine's values that a clone has too. */
static const char *const inherited[] = { "image", "image_dir", "kernel_dir",
	"ip", "gateway", "dns" };

static int
inherit(int from, int fd, const char *key)
{
	char line[4096];
	ssize_t n = vm_line(from, key, line, sizeof(line));

	if (n == -ENOENT)
		return 0;
	return n < 0 ? (int)n : vm_put_new(fd, key, "%s", line);
}

char *
xvm_clone(struct vm_wish *w, int from, int *ret_undo)
{
	char *dir = make_scratch(open_for(w), w, ret_undo);
	int fd = xopen(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	int r = put_identity(fd, dir);

	for (size_t i = 0; i < ARRAY_SIZE(inherited) && !r; i++)
		r = inherit(from, fd, inherited[i]);
	for (const struct vm_key *k = vm_keys; k->key && !r; k++) {
		if (!strcmp(k->key, "ephemeral"))
			r = vm_put_new(fd, k->key, "no");
		else if (strcmp(k->key, "owner"))
			r = inherit(from, fd, k->key);
	}
	if (r)
		die_cannot(r, "write the values in", dir);
	close(fd);
	return dir;
}
