/* rawtty.h - a terminal that passes every key on, until we end
 */
#ifndef BNG_RAWTTY_H
#define BNG_RAWTTY_H

/* Make the terminal raw; at exit it is as it was. Not a terminal: nothing. */
void rawtty_on(int fd);

/*
 * The same before it is known that somebody gets the keys: Ctrl-C still is a
 * signal, and what is said to the person looks as ever.
 */
void rawtty_await(int fd);

/* As it was before. */
void rawtty_off(void);

#endif
