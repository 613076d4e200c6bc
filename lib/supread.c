/* supread.c - what a machine's directories say; see supread.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "dirs.h"
#include "qmp.h"
#include "supervise.h"
#include "store.h"
#include "supread.h"

enum { MANIFEST_MAX = 65536 };

int64_t
sup_number(struct sup *s, const char *key, int64_t max)
{
	int64_t n = 0;

	if (file_num(s->dir, key, 1, max, &n))
		sup_refuse(s, "its '%s' is missing or not a number in 1..%lld",
		    key, (long long)max);
	return n;
}

void
sup_value(struct sup *s, const char *key, char *buf, size_t size)
{
	if (file_line(s->dir, key, buf, size) < 0)
		buf[0] = '\0';
}

bool
sup_yes(struct sup *s, const char *key)
{
	char buf[8];

	sup_value(s, key, buf, sizeof(buf));
	return !strcmp(buf, "yes");
}

int
sup_open_dir(struct sup *s, const struct store *of)
{
	char path[4096];
	int fd;

	if (store_of_vm(of, s->dir, path, sizeof(path)) < 0)
		sup_refuse(s, "its '%s' is missing", of->vm_key);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		sup_refuse(s, "cannot open '%s': %s", path, strerror(errno));
	return fd;
}

void
sup_need_file(struct sup *s, int dir, const char *name, int mode)
{
	struct stat st;
	int err = 0;

	if (fstatat(dir, name, &st, 0) ||
	    faccessat(dir, name, mode, AT_EACCESS))
		err = errno;
	if (!err && S_ISREG(st.st_mode))
		return;
	sup_refuse(s, "cannot use '%s/%s': %s", xfd_path(dir), name,
	    err ? strerror(err) : "it is not a file");
}

bool
sup_need_drives(struct sup *s, int image, int kernel)
{
	sup_need_file(s, image, "rootfs.ext4", R_OK);
	sup_need_file(s, s->dir, "overlay.ext4", R_OK | W_OK);
	sup_need_file(s, s->dir, "work.ext4", R_OK | W_OK);
	if (faccessat(kernel, "modules.ext4", F_OK, 0))
		return false;
	sup_need_file(s, kernel, "modules.ext4", R_OK);
	return true;
}

cJSON *
sup_manifest(struct sup *s, int dir)
{
	char *text = NULL;
	cJSON *m = NULL;
	int r = file_slurp(dir, "manifest.json", MANIFEST_MAX, &text, NULL);

	if (r)
		sup_refuse(s, "cannot read '%s/manifest.json': %s",
		    xfd_path(dir), strerror(-r));
	m = cJSON_Parse(text);
	if (!cJSON_IsObject(m))
		sup_refuse(s, "cannot read '%s/manifest.json': it is not JSON",
		    xfd_path(dir));
	free(text);
	return m;
}

/* Text for the kernel's command line: no control characters, no surprises. */
static const char *
line_text(struct sup *s, const cJSON *m, const char *key)
{
	const char *text = qmp_text(m, key);

	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			sup_refuse(s, "'%s' of a manifest holds a control "
			    "character", key);
	return text;
}

char *
sup_kernel_line(struct sup *s, const cJSON *km, int image, int kernel)
{
	cJSON *im = sup_manifest(s, image);
	const char *init = line_text(s, im, "init");
	const char *line = line_text(s, km, "cmdline");
	char *all;

	if (strchr(init, ' ') || strchr(init, '"'))
		sup_refuse(s, "'init' of its image's manifest is not a path");
	sup_need_file(s, kernel, "vmlinux", R_OK);
	sup_need_file(s, kernel, "initrd", R_OK);
	/* Without these two nobody would see it fail, nor it end. */
	all = xasprintf("%s%s%s%s%s%s", line,
	    faccessat(s->dir, "commits", F_OK, 0) ? "" :
	    " banger.redirect_dir=off",
	    strstr(line, "console=") ? "" : " console=ttyS0",
	    strstr(line, "panic=") ? "" : " panic=-1",
	    init[0] ? " init=" : "", init);
	cJSON_Delete(im);
	return all;
}
