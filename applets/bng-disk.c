/* bng-disk - ext4 images and initrds, without root and without mounting
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: bng-disk format [-t] [-L LABEL] [-U UUID] -s SIZE IMAGE ...
 *        bng-disk import [-L LABEL] [-U UUID] [-m MAX] [-s SIZE] IMAGE
 *        bng-disk layers [-L LABEL] [-U UUID] [-c CONFIG] [-m MAX] [-s SIZE]
 *                 IMAGE SOURCE ...
 *        bng-disk export [-w] [-d DIR] [-p PLACE] IMAGE
 *        bng-disk put [-g GID] [-m MODE] [-u UID] IMAGE PATH
 *        bng-disk get IMAGE PATH
 *        bng-disk list [-l] IMAGE [PATH]
 *        bng-disk mkdir [-p] [-g GID] [-m MODE] [-u UID] IMAGE PATH
 *        bng-disk rm [-r] IMAGE PATH
 *        bng-disk grow IMAGE SIZE
 *        bng-disk initrd -a AGENT [-m MODULES_DIR] [-o OUT] [MODULE ...]
 *        bng-disk vmlinux [-p] BZIMAGE OUT
 *
 * format makes empty ext4 images: sparse, with a journal and checksums (-t: to
 * be thrown away: not for a crash of the host to leave whole, nor to grow).
 * import makes one of the tar stream on stdin (any compression); layers of a
 * container image: '-' (oci-archive on stdin, topmost layer first),
 * oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:TAG], or
 * tar:FILE ..., the lowest first.
 * export writes an image, or DIR in it, to stdout as a tar stream; with -w an
 * upper directory of overlayfs, as a layer with whiteouts; with -p as a layer
 * that is all there is at PLACE.
 * put writes stdin to a file inside an image, get reads one; list shows names,
 * with -l: mode, links, uid, gid, size, mtime, path, target, tab-separated.
 * grow makes an image larger (with e2fsprogs). initrd packs an agent as
 * /init, and modules after what they need; MODULE? may be absent. vmlinux
 * unpacks the ELF kernel of a bzImage; with -p it takes an ELF file, too, and
 * refuses what is not for x86-64 or has no PVH entry.
 *
 * Linked apart: libext2fs, libzstd and libisal (which inflates in half the time
 * of zlib) are heavy; libarchive and libcrypto, heavier, are loaded on demand.
 *
 * exit: 0 done, 1 there is no such file or the image is in use, 100 wrong
 * usage, 111 failed
 */
#include "disk/disk.h"

static int
disk_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "format", format_main },
		{ "import", import_main },
		{ "layers", layers_main },
		{ "export", export_main },
		{ "put", put_main },
		{ "get", get_main },
		{ "list", list_main },
		{ "mkdir", mkdir_main },
		{ "rm", rm_main },
		{ "grow", grow_main },
		{ "initrd", initrd_main },
		{ "vmlinux", vmlinux_main },
		{ NULL, NULL },
	};

	return verbs_run(verbs, argc, argv);
}

APPLET(disk, PLAIN);
