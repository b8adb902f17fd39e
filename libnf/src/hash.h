/* SPDX-License-Identifier: BSD-3-Clause */
/** Hash of keys: where a group is in an index, and which partition it belongs to. */
#ifndef LNF_HASH_H
#define LNF_HASH_H

#include <endian.h>
#include <stdint.h>

/** The 128-bit product folded to 64: every bit of the input reaches every bit of the result. */
static inline uint64_t lnf_fold_multiply(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/**
 * Hash of a key of whole words. The octets count, not how this machine reads numbers: equal seeds
 * give equal hashes everywhere. Hashes with different seeds are independent of each other.
 */
static inline uint64_t lnf_hash_key(const uint64_t *key, unsigned words, uint64_t seed)
{
    uint64_t hash = seed;
    unsigned i = 0;

    for (; i + 1 < words; i += 2) {
        hash = lnf_fold_multiply(le64toh(key[i]) ^ hash,
                                 le64toh(key[i + 1]) ^ seed ^ 0xa0761d6478bd642fu);
        hash ^= seed;
    }
    if (i < words) {
        hash = lnf_fold_multiply(le64toh(key[i]) ^ hash, seed ^ 0xe7037ed1a0b428dbu);
    }
    return lnf_fold_multiply(hash ^ 0x8ebc6af09c88c6e3u, 0x589965cc75374cc3u);
}

/** A key of one word with `bits` bits, as the high bits of a number of 32. */
static inline uint32_t lnf_key_value(const uint64_t *key, unsigned bits)
{
    return (uint32_t)(le64toh(*key) << (32 - bits));
}

/** Which of `partitions` ranges of hashes a hash is in; ascending with the hash. */
static inline unsigned lnf_hash_range(uint64_t hash, unsigned partitions)
{
    __extension__ unsigned __int128 product = (unsigned __int128)hash * partitions;
    return (unsigned)(product >> 64);
}

#endif
