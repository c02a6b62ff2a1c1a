/* memory_impl.h - the memory that a rank will take, by part, known before the first step.
 *
 * Weights, packed weights and gradients are computed from sizes, as ranks share them. The other parts are laps: what the
 * process has allocated since the last lap, so that no list of arrays has to be kept in step with the code. All of it is
 * allocated, and touched, before the first step; only a checkpoint comes later. Not collective, but for one. */
#pragma once
#include <stddef.h>

#include "comm.h"

/* One list makes the enum and the names in starts.jsonl. PROGRAM: what the process had before. CORPUS: vocabulary, word
 * vectors, rows. MOMENTS: with a running average. ACTIVATIONS: of the largest batch, and the batch. EXCHANGE: buffers
 * between hosts, and the neighbours' gradients that are read in place. CHECKPOINT: while one is made, rank 0 only. */
#define LK_MEMORY_PARTS(X)      \
  X(PROGRAM, "program")         \
  X(CORPUS, "corpus")           \
  X(WEIGHTS, "weights")         \
  X(PACKED, "packed weights")   \
  X(GRADIENTS, "gradients")     \
  X(MOMENTS, "moments")         \
  X(ACTIVATIONS, "activations") \
  X(VALIDATION, "validation") X(EXCHANGE, "exchange") X(CHECKPOINT, "checkpoint")

typedef enum lk_memory_part {
#define LK_PART(name, text) LK_MEMORY_##name,
  LK_MEMORY_PARTS(LK_PART)
#undef LK_PART
      LK_MEMORY_PART_COUNT
} lk_memory_part;

typedef struct lk_memory {
  double bytes[LK_MEMORY_PART_COUNT];
  double held; /* at the last lap */
} lk_memory;

/** Forget everything; PROGRAM is what is in memory now. */
void lk_memory_begin(lk_memory *memory);
/** What was allocated since the last lap belongs to this part. */
void lk_memory_lap(lk_memory *memory, lk_memory_part part);
/** What was allocated since the last lap is counted elsewhere. */
void lk_memory_pass(lk_memory *memory);
double lk_memory_total(const lk_memory *memory);
const char *lk_memory_name(lk_memory_part part);
/** "183 MB a rank: 38 program, 22 corpus, ..."; parts below half a megabyte are left out. Returns out. */
const char *lk_memory_words(char out[512], const lk_memory *memory);
/** The record of the rank that takes most.                                          Collective. */
LK_CHECKED lk_status lk_memory_largest(lk_memory *memory, lk_comm *comm);
