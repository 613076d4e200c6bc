/* alike.h - files that were found alike, and that nobody has written since
 *
 * To compare two disks is to read them. A line of text stands for how they
 * were when that was done: what a file system says of a file changes when the
 * file does. Who finds the line again need not compare again.
 *
 * 1. A change in the same moment might not show: files that were written two
 *    seconds ago or less have no such line.
 * 2. After a crash of the host a file may be older than what is said of it: the
 *    line is that of one boot.
 */
#ifndef BNG_ALIKE_H
#define BNG_ALIKE_H

#include <stdbool.h>
#include <stddef.h>

enum { ALIKE_LINE = 1024, ALIKE_FILES = 4 };

/*
 * How these n <= ALIKE_FILES open files are now, as a line without its end.
 * False: that cannot be said.
 */
bool alike_line(const int *fds, size_t n, char line[ALIKE_LINE]);

#endif
