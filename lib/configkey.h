/* configkey.h - the keys of a configuration, and what each may say
 *
 * banger.toml(5) is for people what this table is for programs.
 */
#ifndef BNG_CONFIGKEY_H
#define BNG_CONFIGKEY_H

#include <stdbool.h>
#include <stddef.h>

#include "toml.h"

enum config_form {
	CONFIG_WORD,		/* one of `words` */
	CONFIG_BOOLEAN,
	CONFIG_NUMBER,		/* from min to max */
	CONFIG_SIZE,		/* "16G": MiB from min to max */
	CONFIG_NAME,		/* of an image, a kernel */
	CONFIG_BRIDGE,		/* of a network interface */
	CONFIG_PATH,		/* absolute, or from ~/ on */
	CONFIG_PATHS,		/* such, separated by colons */
	CONFIG_URL,
	CONFIG_URLS,		/* such, separated by blanks */
	CONFIG_TRUST,		/* public keys, or files of them, likewise */
	CONFIG_HOSTS,		/* HOST[:PORT], likewise */
	CONFIG_INSTEAD,		/* HOST[:PORT]=URL, likewise */
	CONFIG_MIRROR,		/* a URL, or a line of sources.list(5) */
	CONFIG_TEXT,
	CONFIG_SPAN,		/* "90s", "1h30m", "0" */
	CONFIG_IPV4,
	CONFIG_PREFIX,		/* "24", or "172.16.0.0/24" */
	CONFIG_LISTEN,		/* "127.0.0.1:7777", or "" for nowhere */
};

struct config_key {
	const char *name;	/* "vmm", "vm_defaults.vcpu" */
	const char *variable;	/* of the environment, which outdoes it */
	enum config_form form;
	const char *words;	/* of a CONFIG_WORD: "auto qemu" */
	const char *initial;	/* what holds when nobody says, */
	const char *unsaid;	/* or what then happens, in words */
	bool host;		/* which the host decides */
	long long min, max;
};

enum { CONFIG_KEYS = 35, CONFIG_LEN = 4096 };

extern const struct config_key config_keys[CONFIG_KEYS];

/*
 * The value as it is written where there are no types, in buf; false when the
 * key does not allow it.
 */
bool config_take(const struct config_key *k, const struct toml *v,
    char buf[CONFIG_LEN]);

/* What it allows: "auto, firecracker or qemu". Returns buf. */
char *config_wanted(const struct config_key *k, char *buf, size_t size);

/* A path after its ~/ is the home directory, malloc'ed; NULL when it is neither
 * absolute nor from ~/ on, or there is no HOME. */
char *config_path(const char *text);

/* Whether there is a byte that a line cannot hold. */
bool config_controls(const char *text, size_t len);

#endif
