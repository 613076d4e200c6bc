/* ociconfig.h - how an OCI image says that it is run
 *
 * Its configuration (image-spec, config.md: Env, WorkingDir, User, Entrypoint,
 * Cmd, StopSignal) becomes an object of the same values under names of ours:
 * env, cwd, user, entrypoint, cmd, stop_signal. A member that is not there,
 * null or empty is absent. What comes out is bounded and has been looked at:
 * strings without a NUL, absolute cwd, NAME=VALUE.
 */
#ifndef BNG_OCICONFIG_H
#define BNG_OCICONFIG_H

#include <stddef.h>

#include "json.h"

struct cJSON;

enum {
	OCICONFIG_FILE_MAX = 4 << 20,	/* its history may be long */
	OCICONFIG_MAX = 32 << 10,	/* as JSON; half of an agent's frame */
	OCICONFIG_WORDS = 1024,		/* of env, entrypoint, cmd each */
	OCICONFIG_WHY = 160,
};

/*
 * Read the file name below dirfd, an image's configuration. 0; -EBADMSG, why
 * being what is wrong with it; or another -errno.
 */
int ociconfig_load(int dirfd, const char *name, struct cJSON **ret_config,
    char why[OCICONFIG_WHY]);

/*
 * The same out of such an object of ours, from a manifest that anybody may
 * have written. NULL: none. 0 or -EBADMSG.
 */
int ociconfig_take(const struct cJSON *config, struct cJSON **ret_config,
    char why[OCICONFIG_WHY]);

/* Show one: as a member `config`, or as lines for people. */
void ociconfig_json(struct json *j, const struct cJSON *config);
void ociconfig_lines(const struct cJSON *config);

#endif
