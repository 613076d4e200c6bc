/* ed25519.c - see ed25519.h
 *
 * SPDX-License-Identifier: MIT
 *
 * https://www.rfc-editor.org/rfc/rfc8032
 *
 * libcrypto has it, too, and so has ssh-keygen. Each machine gets a key, and to
 * load either takes eight times as long as to make one.
 *
 * A number modulo p = 2^255 - 19 is five limbs of 51 bits, the lowest first.
 * They may hold more than that between two multiplications: sum and
 * difference take limbs of at most 52 bits, which is what a product has, and
 * give at most 54, which is what a product takes.
 */
#include <string.h>

#include "ed25519.h"
#include "sha512.h"

enum { LIMBS = 5, BITS = 51 };

static const uint64_t mask = (UINT64_C(1) << BITS) - 1;

typedef unsigned __int128 u128;

/* What a loop over limbs does beside them would take three times as long. */
#define UNROLLED _Pragma("GCC unroll 5")

struct number {
	uint64_t v[LIMBS];
};

/* x/z and y/z; t is x*y/z. */
struct point {
	struct number x, y, z, t;
};

/* Twice the curve's d, which is -121665/121666. */
static const struct number d2 = { { 0x69b9426b2f159, 0x35050762add7a,
	0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff } };

/* The base point: y is 4/5, x even. */
static const struct point base = {
	{ { 0x62d608f25d51a, 0x412a4b4f6592a, 0x75b7171a4b31d, 0x1ff60527118fe,
	    0x216936d3cd6e5 } },
	{ { 0x6666666666658, 0x4cccccccccccc, 0x1999999999999, 0x3333333333333,
	    0x6666666666666 } },
	{ { 1, 0, 0, 0, 0 } },
	{ { 0x68ab3a5b7dda3, 0x00eea2a5eadbb, 0x2af8df483c27e, 0x332b375274732,
	    0x67875f0fd78b7 } },
};

static const struct point zero = { { { 0 } }, { { 1 } }, { { 1 } }, { { 0 } } };

static struct number
sum(const struct number *a, const struct number *b)
{
	struct number n;

	for (int i = 0; i < LIMBS; i++)
		n.v[i] = a->v[i] + b->v[i];
	return n;
}

/* With four times p added, so that no limb falls below zero. */
static struct number
difference(const struct number *a, const struct number *b)
{
	struct number n;

	for (int i = 0; i < LIMBS; i++)
		n.v[i] = a->v[i] + 4 * (mask - (i ? 0 : 18)) - b->v[i];
	return n;
}

/* What is above bit 255 comes back 19 times at bit 0. */
static struct number
product(const struct number *a, const struct number *b)
{
	struct number n;
	u128 column[LIMBS] = { 0 }, carry = 0;

	UNROLLED for (int i = 0; i < LIMBS; i++)
		UNROLLED for (int j = 0; j < LIMBS; j++)
			column[(i + j) % LIMBS] += (u128)a->v[i] *
			    (i + j < LIMBS ? b->v[j] : 19 * b->v[j]);
	UNROLLED for (int i = 0; i < LIMBS; i++) {
		carry += column[i];
		n.v[i] = (uint64_t)carry & mask;
		carry >>= BITS;
	}
	carry = 19 * carry + n.v[0];
	n.v[0] = (uint64_t)carry & mask;
	n.v[1] += (uint64_t)(carry >> BITS);
	return n;
}

/* Its power p - 2: the bits of that are ones but for 2 and 4. */
static struct number
inverse(const struct number *a)
{
	struct number n = *a;

	for (int bit = 253; bit >= 0; bit--) {
		n = product(&n, &n);
		if (bit != 2 && bit != 4)
			n = product(&n, a);
	}
	return n;
}

/* The one number from 0 to p - 1 that it is, as 32 bytes, the lowest first. */
static void
put_number(uint8_t to[ED25519_KEY], const struct number *a)
{
	struct number n = *a;
	uint64_t carry = 19;

	/* Is it p or more? Then adding 19 overflows bit 255. */
	for (int i = 0; i < LIMBS; i++)
		carry = (n.v[i] + carry) >> BITS;
	carry *= 19;
	for (int i = 0; i < LIMBS; i++) {
		carry += n.v[i];
		n.v[i] = carry & mask;
		carry >>= BITS;
	}
	memset(to, 0, ED25519_KEY);
	for (int bit = 0; bit < LIMBS * BITS; bit++)
		to[bit / 8] |= (uint8_t)((n.v[bit / BITS] >> bit % BITS & 1) <<
		    bit % 8);
}

/* Holds for equal points, too, and for zero. */
static struct point
add(const struct point *p, const struct point *q)
{
	struct number pa = difference(&p->y, &p->x), ps = sum(&p->y, &p->x);
	struct number qa = difference(&q->y, &q->x), qs = sum(&q->y, &q->x);
	struct number a = product(&pa, &qa), b = product(&ps, &qs);
	struct number td = product(&p->t, &d2), c = product(&td, &q->t);
	struct number z2 = sum(&p->z, &p->z), d = product(&z2, &q->z);
	struct number e = difference(&b, &a), f = difference(&d, &c);
	struct number g = sum(&d, &c), h = sum(&b, &a);

	return (struct point){ product(&e, &f), product(&g, &h),
		product(&f, &g), product(&e, &h) };
}

/* If yes is 1, and not if it is 0, without asking which it is. */
static void
swap(struct point *p, struct point *q, uint64_t yes)
{
	uint64_t *a = (void *)p, *b = (void *)q, both;

	_Static_assert(sizeof(*p) == 4 * LIMBS * sizeof(*a), "limbs alone");
	for (int i = 0; i < 4 * LIMBS; i++) {
		both = (a[i] ^ b[i]) & -yes;
		a[i] ^= both;
		b[i] ^= both;
	}
}

/* From the highest bit on: q is always p and the base point. */
static struct point
times_base(const uint8_t scalar[ED25519_KEY])
{
	struct point p = zero, q = base;

	for (int bit = 255; bit >= 0; bit--) {
		uint64_t one = scalar[bit / 8] >> bit % 8 & 1;

		swap(&p, &q, one);
		q = add(&p, &q);
		p = add(&p, &p);
		swap(&p, &q, one);
	}
	explicit_bzero(&q, sizeof(q));
	return p;
}

void
ed25519_public(const uint8_t secret[ED25519_KEY],
    uint8_t ret_public[ED25519_KEY])
{
	uint8_t sum512[SHA512_SUM], odd[ED25519_KEY];
	struct number z, x, y;
	struct point p;

	sha512_short(secret, ED25519_KEY, sum512);
	sum512[0] &= 0xf8;
	sum512[31] = (sum512[31] & 0x7f) | 0x40;
	p = times_base(sum512);
	explicit_bzero(sum512, sizeof(sum512));
	z = inverse(&p.z);
	x = product(&p.x, &z);
	y = product(&p.y, &z);
	put_number(ret_public, &y);
	put_number(odd, &x);
	ret_public[31] |= (uint8_t)((odd[0] & 1) << 7);
}
