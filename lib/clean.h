/* clean.h - release at the end of a scope, and function attributes
 *
 *	autofree char *path = NULL;
 *	autoclose int fd = -1;
 *	return steal(&path);	(the caller owns it now)
 *
 * exit() runs none of these: what must not outlive the process goes on the
 * undo list (undo.h).
 */
#ifndef BNG_CLEAN_H
#define BNG_CLEAN_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define noreturn_fn __attribute__((noreturn))
#define printf_fn(f, a) __attribute__((format(printf, f, a)))
#define must_check __attribute__((warn_unused_result))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

static inline size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline void
clean_free(void *p)
{
	free(*(void **)p);
}

static inline void
clean_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void
clean_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void
clean_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define autofree __attribute__((cleanup(clean_free)))
#define autoclose __attribute__((cleanup(clean_close)))
#define autofclose __attribute__((cleanup(clean_fclose)))
#define autoclosedir __attribute__((cleanup(clean_closedir)))

/* Take a pointer out of its scope's hands. */
#define steal(p) __extension__({ __typeof__(*(p)) t_ = *(p); *(p) = NULL; t_; })

/* The same for a descriptor. */
static inline int
steal_fd(int *fd)
{
	int t = *fd;

	*fd = -1;
	return t;
}

#endif
