/* pull.h - what of bng-pull is not in bng-pull.c */
#ifndef BNG_PULL_H
#define BNG_PULL_H

/* A usage error unless it can be fetched; shown has no user and password. */
void xurl(const char *text, char **ret_url, char **ret_shown);

int unpack_main(int argc, char *argv[]);

#endif
