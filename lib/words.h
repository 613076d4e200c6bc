/* words.h - names that a person can say and remember */
#ifndef BNG_WORDS_H
#define BNG_WORDS_H

#include <stddef.h>

/* How many different names there are before a number has to be added. */
unsigned words_count(void);

/*
 * The name of number n: "adjective-animal", and from words_count() on
 * "adjective-animal-2" and so forth.
 */
void words_name(unsigned n, char *buf, size_t size);

#endif
