/* import.h - members of layers into a new image
 *
 *	import_init(&in, im);
 *	for each layer, topmost first:
 *		import_layer(&in, &tar, " of layer 2 (...)", true);
 *	import_finish(&in);
 *
 * Any failure ends the process, naming member and layer.
 */
#ifndef BNG_IMPORT_H
#define BNG_IMPORT_H

#include "tar.h"
#include "tree.h"

/* A hard link whose file has not been seen yet. */
struct want {
	struct want *chain;	/* of those with the same hash */
	struct want *next;	/* of all */
	uint32_t id;		/* what the node waits for */
	struct node *node;
	const char *layer;	/* for messages */
	char path[];		/* of the file */
};

/* A member of this layer that an upper one hides. */
struct ghost {
	struct ghost *chain;
	ext2_ino_t ino;		/* 0: it has none yet */
	uint8_t type;
	char *alias;		/* it is a hard link to that, or NULL */
	char *text;		/* of a symbolic link, once it has an inode */
	uint64_t at, end;	/* in the spool */
	char path[];
};

enum { LINK_SLOTS = 4096 };

struct links {
	struct want *wants[LINK_SLOTS];
	struct want *all;
	size_t nwants;
	uint32_t ids;
	struct ghost *ghosts[LINK_SLOTS];
	size_t nghosts;
};

struct import {
	struct image *im;
	struct tree tree;
	struct links links;
	struct tar_in *tar;
	struct tar_entry *e;
	const char *layer;	/* for messages */
	bool whiteouts;		/* names that begin with .wh. are such */
	uint64_t files;		/* members seen */
	struct spool *spool;	/* NULL: nothing can be hidden (yet) */
};

void import_init(struct import *in, struct image *im);
void import_layer(struct import *in, struct tar_in *tar, const char *layer,
    bool whiteouts);
void import_finish(struct import *in);

/* A path as the keys of links are: its components with a slash between. */
void links_key(const char *path, char key[TAR_NAME]);

/*
 * The current member is a hard link: give its node the file, or let it wait
 * for it. False: an upper layer hides it.
 */
bool links_add(struct import *in);

/* The path has a file now: what waits for it gets it. */
void links_met(struct import *in, const char *path, ext2_ino_t ino,
    uint8_t type, const char *target);

bool links_wanted(struct import *in, const char *path);

/* A hidden member that is one: what waits for path waits for target now. */
void links_retarget(struct import *in, const char *path, const char *target);

/* Keep a hidden member for hard links to it in this layer. */
struct ghost *ghost_add(struct import *in, const char *path,
    const char *alias);

/* The layer has been read; `last`: nothing may wait any longer. */
void links_layer_end(struct import *in, bool last);

/* Make the current member's inode, which is no directory. */
ext2_ino_t import_inode(struct import *in, unsigned links);

/* EXT2_FT_* of the current member. */
uint8_t import_type(struct import *in);

/* From now on members may be hidden: see their headers. */
void spool_init(struct import *in, struct tar_in *tar);

/* The next member begins. */
void spool_next(struct import *in);

/* Keep the current, hidden member; ghosts of it are made from there. */
void spool_keep(struct import *in, const char *path);

/* Make the ghost's inode, if it has none. */
void spool_make(struct import *in, struct ghost *g);

/* The layer is done. */
void spool_drop(struct import *in);

#endif
