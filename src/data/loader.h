/* loader.h - which rows a step takes, and the packed batch built from them.
 *
 * The batch plan is a pure function of (seed, epoch, corpus, number of shards S, batch settings). The rows of every
 * bucket are divided into S contiguous blocks; shard s owns block s for the whole run, and a rank reads the rows of
 * its own shards only. Position q of an epoch belongs to shard q mod S, so every global batch of `batch` sequences
 * takes almost equally many rows from each shard. Each shard distributes its rows at random over pools of `pool`
 * batches, stratified by length so that all pools have the same distribution of lengths, and sorts by length inside
 * a pool. The steps of an epoch are then visited in one random order common to all shards. As a result the rows of a
 * step have similar lengths on every shard, and no rank waits long for another.
 *
 * A running text is divided into `batch` lanes of equal length; shard s owns a contiguous block of lanes. A step
 * takes the next `unroll` units of every lane, and recurrent states are carried from step to step (lane[] identifies
 * them).
 *
 * Views: LM     rows x_0 .. x_{n-2} with targets x_1 .. x_{n-1} (<sos> and <eos> included)
 *        LABEL  the words without <sos> and <eos>, one label each
 *        CLASSIFY  the words (or frames) without <sos> and <eos>, one label per sequence
 *        PAIRS  the target as in LM, packed by its own lengths; the source (words and <eos>) in a second pack.
 *               Rows are sorted by the length of the source, then by that of the target. */
#pragma once
#include "corpus.h"
#include "inputs.h"
#include "pack.h"
#include "rng.h"

typedef enum lk_view { LK_VIEW_LM, LK_VIEW_CLASSIFY, LK_VIEW_LABEL, LK_VIEW_PAIRS } lk_view;

typedef struct lk_batch {
  lk_pack pack;
  lk_inputs input;         /* input columns: rows of pack; PAIRS: rows of encoder_pack (words and <eos>) */
  int32_t *target;         /* LM, LABEL: [N]; CLASSIFY: [B]; labels may be LK_NO_LABEL or LK_UNSEEN_LABEL */
  int32_t *lane;           /* [B] index of the sequence's lane on this rank; NULL if no states are carried */
  int reset;               /* nonzero: lanes start from zero states */
  double rate_factor;      /* what the rate is multiplied by: length of the step's window / unroll where it is drawn */
  ptrdiff_t tokens;        /* input positions on this rank, without padding: N; PAIRS: N of both packs */
  lk_pack encoder_pack;    /* PAIRS: the source; pack is the target, decoder_ids = <sos> y.., target = y.. <eos> */
  int32_t *decoder_ids;    /* PAIRS: [N] what the decoder reads */
  int32_t *partner;        /* [B] for each sequence of pack its sequence in encoder_pack, in the same shard */
  const char **references; /* [B] PAIRS: accepted targets separated by TABs; NULL if the split has none (training) */
} lk_batch;

/** The ids of the first column; NULL if it holds frames.                           Not collective. */
static inline int32_t *lk_batch_ids(const lk_batch *batch) { return batch->input.column[0].ids; }
/** Describe the columns of a corpus that a net can read; returns their number.     Not collective. */
int lk_corpus_columns(const lk_corpus_info *info, lk_column_form forms[LK_MAX_COLUMNS]);

typedef struct lk_loader_settings {
  lk_view view;
  lk_split split;
  lk_column_names columns; /* those to read beside the words or frames; none named: all */
  uint64_t seed;
  ptrdiff_t batch;    /* sequences or lanes, over all shards */
  ptrdiff_t unroll;   /* running text: units per step (truncated back-propagation) */
  bool unroll_random; /* around that number of units, drawn for each step */
  ptrdiff_t pool;     /* pool size in batches; 0: the whole epoch */
  bool shuffle;       /* false: rows by length, nothing random (evaluation) */
  size_t memory;      /* bytes for rows: those of coming steps are read ahead where not all fit. 0: all rows */
} lk_loader_settings;

/* The most that a batch, or a part of one, has on a rank: for laying out arenas. */
typedef struct lk_bounds {
  ptrdiff_t B, N, T;            /* sequences, rows, longest sequence */
  ptrdiff_t source_N, source_T; /* PAIRS: of lk_batch.encoder_pack, which has as many sequences; else 0 */
  ptrdiff_t characters;         /* rows of all words together, where the corpus says how words are written; else 0 */
} lk_bounds;

typedef struct lk_loader lk_loader;

/** Read this rank's rows of a split, or begin to. The corpus must stay open as long as the loader. LK_USAGE if
 *  settings->memory is too little for the plan and two batches; LK_DATA if the split is empty or its kind does not suit the view.
 *                                                                                  Not collective. */
LK_CHECKED lk_status lk_loader_open(lk_loader **loader, const lk_corpus *corpus, const lk_shards *shards,
                                    const lk_loader_settings *settings);
void lk_loader_close(lk_loader **loader);
/** Upper bounds over all batches on this rank or, if each is computed in several parts (batch_parts.h), over the parts.
 *                                                                                  Not collective. */
lk_bounds lk_loader_bounds(const lk_loader *loader, int parts);
/** Bytes that the rows of a split take in a rank's memory, where all are held: an estimate, as not all that it needs is
 *  known before they are read (targets of pairs count as long as their sources).   Not collective. */
double lk_loader_estimate(const lk_corpus_info *info, const lk_loader_settings *settings, const lk_shards *shards);
/** Bytes that this rank's rows take in memory or, if they are read ahead (*ahead), may take.     Not collective. */
size_t lk_loader_memory(const lk_loader *loader, bool *ahead);
/** Number of steps of an epoch, the same on all ranks.                             Not collective. */
int64_t lk_loader_steps(const lk_loader *loader);
/** Number of lanes on this rank (0 if the corpus is not a running text), and the global number of the first. */
ptrdiff_t lk_loader_lanes(const lk_loader *loader, ptrdiff_t *first);
/** The columns of a lane of this rank, in memory of the loader: *count units to read, and one more that follows them.
 *  *shard: the local shard of the lane. */
void lk_loader_lane(const lk_loader *loader, ptrdiff_t lane, lk_inputs *text, ptrdiff_t *count, int *shard);
/** Lay out the arrays of a batch for these bounds.                                 Not collective. */
void lk_loader_layout(const lk_loader *loader, lk_batch *batch, lk_arena *arena);
/** Fill in the batch of one step of an epoch. A rank may get no sequence (B = 0). Where rows are read ahead it may have to
 *  wait for them, and fail: LK_DATA, LK_IO, LK_MEMORY; the batch is then empty, and valid.  Not collective. */
LK_CHECKED lk_status lk_loader_batch(lk_loader *loader, int64_t epoch, int64_t step, lk_batch *batch);
/** Position of a sequence in the corpus for messages, as "train/len_0032 row 17"; returns out.  Not collective. */
const char *lk_loader_where(const lk_loader *loader, const lk_batch *batch, ptrdiff_t b, char out[96]);

/** Build a batch from `count` sequences in memory (predict, score, generate), in one shard: sequence i has length[i]
 *  ids at ids[i]. The sequences may come in any order; perm[b] is the index of the one that became sequence b. The
 *  arrays are in the arena, which is reserved here. LK_MEMORY. */
LK_CHECKED lk_status lk_batch_from_ids(lk_batch *batch, lk_arena *arena, const lk_shards *one, ptrdiff_t count,
                                       const int32_t *const *ids, const ptrdiff_t *length, ptrdiff_t *perm);
/** Build the source side alone, for decoding: encoder_pack and input hold the words of each source, as
 *  lk_tokenizer_encode() returns them (possibly none), and <eos>; perm[b] is the index of the source that became
 *  sequence b of encoder_pack. The pack of targets is empty. LK_MEMORY. */
LK_CHECKED lk_status lk_batch_from_sources(lk_batch *batch, lk_arena *arena, const lk_shards *one, ptrdiff_t count,
                                           const int32_t *const *ids, const ptrdiff_t *length, ptrdiff_t *perm);
/** Build both sides, for scoring: a batch as the loader builds it for PAIRS; the ids in both packs are the indices
 *  of the pairs, and perm[b] is the index of the pair that became sequence b of pack. LK_MEMORY. */
LK_CHECKED lk_status lk_batch_from_pairs(lk_batch *batch, lk_arena *arena, const lk_shards *one, ptrdiff_t count,
                                         const int32_t *const *source, const ptrdiff_t *source_length,
                                         const int32_t *const *target, const ptrdiff_t *target_length, ptrdiff_t *perm);
