/* utf8.h - text from files that anybody may have written */
#ifndef BNG_UTF8_H
#define BNG_UTF8_H

#include <stddef.h>

/*
 * The code point at *p, which moves on; -1, one byte on, for what is not
 * UTF-8. 0 at the end, where *p stays.
 */
int utf8_next(const char **p);

/*
 * Replace what is not UTF-8 and what a terminal would act on by '?', in
 * place. The number of columns, counting every character as one.
 */
size_t utf8_clean(char *text);

#endif
