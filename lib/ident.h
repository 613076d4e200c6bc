/* ident.h - what derives from a machine's id, so that all derive the same */
#ifndef BNG_IDENT_H
#define BNG_IDENT_H

#include <stdbool.h>

enum { IDENT_ID = 32 + 1, IDENT_MAC = 17 + 1 };

/* 32 hex digits, lower case? */
bool ident_ok(const char *id);

/* The MAC address of its first interface: locally administered, unicast. */
void ident_mac(const char *id, char ret_mac[IDENT_MAC]);

#endif
