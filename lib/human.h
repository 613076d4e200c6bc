/* human.h - numbers as people read them */
#ifndef BNG_HUMAN_H
#define BNG_HUMAN_H

#include <stddef.h>
#include <stdint.h>

enum { HUMAN_LEN = 32 };

/* "512 MiB", "1.5 GiB". Returns buf. */
char *human_size(int64_t bytes, char buf[HUMAN_LEN]);

/* "now", "5 min", "3 h", "2 days". Returns buf. */
char *human_span(int64_t seconds, char buf[HUMAN_LEN]);

/* "now", "5 min ago"; "" for a time that is -1 or yet to come. Returns buf. */
char *human_age(int64_t since, char buf[HUMAN_LEN]);

#endif
