/* loader.h - which rows a step takes, and the packed batch made of them.
 *
 * The batch plan is a pure function of (seed, epoch, corpus, S, batch settings). Every bucket's rows are cut into S
 * contiguous blocks, shard s owns block s for the whole run, and a rank reads just its shards' rows. A global batch of
 * `batch` sequences is dealt round: position q of the epoch goes to shard q mod S, so every shard gives its share.
 * Each shard deals its rows into pools of `pool` batches, by lot but all pools alike in their lengths (one row of every
 * stratum of the rows by length), and sorts inside a pool; the steps of an epoch are then visited in one random order
 * common to all shards: what a step takes is of similar length on every shard, and no rank waits for another.
 *
 * A running text is cut into `batch` lanes of equal length, shard s owning a contiguous block of lanes; a step takes
 * the next `unroll` units of every lane, and states are carried from step to step (lane[] says whose).
 *
 * Views: LM     rows x_0 .. x_{n-2} with targets x_1 .. x_{n-1} (<sos> and <eos> included)
 *        LABEL  the words alone, a label each           CLASSIFY  the words (or frames) alone, one label a sequence
 *        PAIRS  the target as LM has it, packed by its own lengths, and the source, words and <eos>, in a pack beside it;
 *               what is of similar length is the source, and of equals the target */
#pragma once
#include "corpus.h"
#include "inputs.h"
#include "pack.h"
#include "rng.h"

typedef enum lk_view { LK_VIEW_LM, LK_VIEW_CLASSIFY, LK_VIEW_LABEL, LK_VIEW_PAIRS } lk_view;

typedef struct lk_batch {
  lk_pack pack;
  lk_inputs input;      /* what is read: columns of pack's rows, of PAIRS those of encoder_pack's, words and <eos> */
  int32_t *target;      /* LM, LABEL: [N]; CLASSIFY: [B]; of labels also LK_NO_LABEL, LK_UNSEEN_LABEL */
  int32_t *lane;        /* [B] this rank's lane of a sequence, or NULL where there are no carried states */
  int reset;            /* lanes start from zero states */
  ptrdiff_t tokens;     /* real input positions on this rank: N, of pairs those of both packs */
  lk_pack encoder_pack; /* PAIRS: the source side; pack is the target's, decoder_ids = <sos> y.., target = y.. <eos> */
  int32_t *decoder_ids; /* PAIRS: [N] */
  int32_t *partner;     /* [B] the sequence of encoder_pack that each of pack belongs to, of the same shard */
  const char *
      *references; /* [B] PAIRS: accepted targets, TABs between them; NULL where the split has none (training) */
} lk_batch;

/** The ids that are read, NULL where they are frames.                              Not collective. */
static inline int32_t *lk_batch_ids(const lk_batch *batch) { return batch->input.column[0].ids; }
/** The columns that a corpus has for a net to read; returns how many.              Not collective. */
int lk_corpus_columns(const lk_corpus_info *info, lk_column_form forms[LK_MAX_COLUMNS]);

typedef struct lk_loader_settings {
  lk_view view;
  lk_split split;
  uint64_t seed;
  ptrdiff_t batch;  /* sequences, or lanes, of all shards together */
  ptrdiff_t unroll; /* running text: units a step */
  ptrdiff_t pool;   /* batches; 0: the whole epoch */
  bool shuffle;     /* false: rows by length, nothing random (evaluation) */
} lk_loader_settings;

typedef struct lk_loader lk_loader;

/** Read this rank's rows of a split. LK_DATA where the split is empty or does not fit the view. Not collective. */
LK_CHECKED lk_status lk_loader_open(lk_loader **loader, const lk_corpus *corpus, const lk_shards *shards,
                                    const lk_loader_settings *settings);
void lk_loader_close(lk_loader **loader);
/** Bounds of the largest batch on this rank, for planning the arenas.              Not collective. */
void lk_loader_limits(const lk_loader *loader, ptrdiff_t *B, ptrdiff_t *N, ptrdiff_t *T);
/** PAIRS: the same of the source side, lk_batch.encoder_pack; zeros in other views. */
void lk_loader_encoder_limits(const lk_loader *loader, ptrdiff_t *B, ptrdiff_t *N, ptrdiff_t *T);
/** Steps of an epoch, the same on all ranks.                                       Not collective. */
int64_t lk_loader_steps(const lk_loader *loader);
/** This rank's lanes (0 where the corpus is no running text) and the first one's global number. */
ptrdiff_t lk_loader_lanes(const lk_loader *loader, ptrdiff_t *first);
/** Lay out a batch's arrays for the limits.                                        Not collective. */
void lk_loader_layout(const lk_loader *loader, lk_batch *batch, lk_arena *arena);
/** Fill the batch of a step of an epoch. A rank may get none (B = 0).              Not collective. */
void lk_loader_batch(lk_loader *loader, int64_t epoch, int64_t step, lk_batch *batch);
/** "train/len_0032 row 17" of a sequence of the batch, for messages; returns out.   Not collective. */
const char *lk_loader_where(const lk_loader *loader, const lk_batch *batch, ptrdiff_t b, char out[96]);

/** A batch from sequences in memory (predict, score, generate): one shard, `ids` concatenated, each `length` long, in
 *  any order; perm[b] tells which given sequence became b. Arrays live in the arena, which is reserved here. LK_MEMORY. */
LK_CHECKED lk_status lk_batch_from_ids(lk_batch *batch, lk_arena *arena, const lk_shards *one, ptrdiff_t count,
                                       const int32_t *const *ids, const ptrdiff_t *length, ptrdiff_t *perm);
/** The source side alone, for decoding: encoder_pack and input are made of the words of each source, as
 *  lk_tokenizer_encode() gives them (there may be none), and <eos>; perm[b] tells which became b of encoder_pack. The pack of
 *  targets is empty. LK_MEMORY. */
LK_CHECKED lk_status lk_batch_from_sources(lk_batch *batch, lk_arena *arena, const lk_shards *one, ptrdiff_t count,
                                           const int32_t *const *ids, const ptrdiff_t *length, ptrdiff_t *perm);
/** Both sides, for scoring: a whole batch as the loader makes one of view PAIRS, ids in encoder_pack and pack being the
 *  numbers of the pairs; perm[b] tells which pair became b of pack. LK_MEMORY. */
LK_CHECKED lk_status lk_batch_from_pairs(lk_batch *batch, lk_arena *arena, const lk_shards *one, ptrdiff_t count,
                                         const int32_t *const *source, const ptrdiff_t *source_length,
                                         const int32_t *const *target, const ptrdiff_t *target_length, ptrdiff_t *perm);
