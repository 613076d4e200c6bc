/* config.h - config.toml: what is set, and where that was said
 *
 * /etc/banger/config.toml is read first, then the person's own, banger's in
 * XDG_CONFIG_HOME (~/.config); the later one wins, key by key, and the
 * [[file_sync]] entries of both count. BANGER_CONFIG names other files
 * instead, separated by colons, which have to be there; empty, it means none.
 */
#ifndef BNG_CONFIG_H
#define BNG_CONFIG_H

#include "configkey.h"
#include "filesync.h"

enum { CONFIG_FILES = 16 };

struct config {
	struct config_value {
		char *text;		/* NULL: not set */
		const char *file;
		unsigned line;
	} value[CONFIG_KEYS];		/* in the order of config_keys */
	struct filesync sync;
	int count;			/* files that were there */
	const char *file[CONFIG_FILES];
};

/*
 * Read what there is. Whatever is wrong ends the process, naming file, line,
 * key and what is allowed.
 */
void xconfig_load(struct config *c);

#endif
