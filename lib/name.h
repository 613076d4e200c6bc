/* name.h - names of machines, images and kernels, checked before any path */
#ifndef BNG_NAME_H
#define BNG_NAME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A machine's name: 1 to 63 of a-z 0-9 '-', no '-' at either end, never
 * normalised (it becomes a host name, a directory and a DNS label). NULL
 * when it is good, else what is wrong with it: one of four sentences,
 * static or in a static buffer.
 */
const char *vm_name_error(const char *name);

/*
 * A name that becomes one path component (image, kernel, snapshot, value
 * file): 1 to 128 of A-Z a-z 0-9 '_' '.' '+' '-', no '.' or '-' in front.
 */
bool name_ok(const char *name);

#endif
