/* image.h - how the machine's image says that commands are run
 *
 * An object as manifests have it: env, cwd, user, entrypoint, cmd,
 * stop_signal. The host sends it with `configure`; what is not there is NULL.
 */
#ifndef AGENT_IMAGE_H
#define AGENT_IMAGE_H

#include <stdbool.h>

/* Keep a copy instead of the one before; false when it is no such object. */
bool image_set(const char *config);

/* A value of it, or NULL; a string in user has bounds to check. */
const char *image_get(const char *key);

/* Whether it names a command. */
bool image_runs(void);

#endif
