/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * Random numbers of the flow generator: the same seed gives the same numbers on every machine.
 *
 * Only integer operations and + - * / of doubles are used (both are exact everywhere as long as the
 * compiler does not fuse them, see CMakeLists.txt), never libm, whose results differ by version.
 */
#ifndef FLOWGEN_RANDOM_H
#define FLOWGEN_RANDOM_H

#include <stdint.h>

/** State of a xoshiro256** generator (Blackman and Vigna, 2018). */
struct fg_random {
    uint64_t s[4];
};

/** Finaliser of splitmix64: spreads the bits of a number, one to one. */
static inline uint64_t fg_mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static inline void fg_random_init(struct fg_random *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        r->s[i] = fg_mix(seed + (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15));
    }
}

static inline uint64_t fg_rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

/** 64 random bits. */
static inline uint64_t fg_next(struct fg_random *r)
{
    uint64_t result = fg_rotate(r->s[1] * 5, 7) * 9;
    uint64_t t = r->s[1] << 17;

    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = fg_rotate(r->s[3], 45);
    return result;
}

/** Uniform in [0, 1), from 32 of the generator's bits. */
static inline double fg_unit(uint32_t bits)
{
    return (double)bits * (1.0 / 4294967296.0);
}

/** Uniform in [0, n): the high half of a product, no division. */
static inline uint32_t fg_below(uint32_t bits, uint32_t n)
{
    return (uint32_t)(((uint64_t)bits * n) >> 32);
}

/** 2^x for 0 <= x < 63, good to about 0.02 %: distributions need no more. */
static inline double fg_exp2(double x)
{
    int whole = (int)x;
    double f = x - whole;
    double p = 1.0 + f * (0.695976 + f * (0.224940 + f * 0.079020));

    return (double)(UINT64_C(1) << whole) * p;
}

/** Zipf-like rank (exponent 1) in [0, 2^log2_n): rank r is about r times rarer than the first. */
static inline uint64_t fg_zipf(uint32_t bits, double log2_n)
{
    return (uint64_t)fg_exp2(fg_unit(bits) * log2_n) - 1;
}

/** Pareto with exponent 1, in [1, max]: every tenfold size is ten times rarer. */
static inline uint64_t fg_pareto(uint32_t bits, uint64_t max)
{
    uint64_t value = (UINT64_C(1) << 32) / ((uint64_t)bits + 1);

    if (value < 1) {
        return 1;
    }
    return value > max ? max : value;
}

#endif
