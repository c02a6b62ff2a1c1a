/* hash.h - digests of bytes that come one after the other. Every function: Not collective. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* XXH3-128, computed incrementally. */
typedef struct lk_hash lk_hash;
LK_CHECKED lk_status lk_hash_create(lk_hash **hash);
void lk_hash_update(lk_hash *hash, const void *bytes, size_t size);
void lk_hash_final(const lk_hash *hash, char out[33]);
void lk_hash_destroy(lk_hash **hash);

/** XXH3-64 of a block. */
uint64_t lk_hash_block(const void *bytes, size_t size);
