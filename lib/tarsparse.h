/* tarsparse.h - the maps of sparse files in a tar stream; a part of tar.c */
#ifndef BNG_TARSPARSE_H
#define BNG_TARSPARSE_H

#include "pax.h"

/* n bytes of the stream into out. 0 or -1. */
int tar_copy(struct tar_in *t, void *out, size_t n);

/* A header's number, octal or GNU's binary. False: neither. */
bool tar_number(const uint8_t *p, size_t n, uint64_t *ret);

/*
 * Read the map of a member whose headers have been read: GNU's old kind, whose
 * type is 'S' (and '0' then), or what pax headers told. 0, or -1: malformed.
 */
int tarsparse_gnu(struct tar_in *t, struct tar_entry *e, const uint8_t *head);
int tarsparse_pax(struct tar_in *t, struct tar_entry *e, const struct pax *x);

#endif
