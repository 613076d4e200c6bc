/* pull.h - the verbs of bng-pull that are not in bng-pull.c */
#ifndef BNG_PULL_H
#define BNG_PULL_H

int unpack_main(int argc, char *argv[]);

#endif
