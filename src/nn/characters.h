/* characters.h - a vector of each word, made of its characters: a feature of the input layer (model.characters).
 *
 *   words of a shard -> distinct words -> their characters, packed -> embedding -> net -> a vector of each word [B, width]
 *
 * Each distinct word of a shard is a sequence of its own: <sos>, its characters, <eos> (inputs.h, lk_spelling). Which words
 * a shard has, and in which order, depends on the shard alone, and so do all sums over them.
 *
 * A net is one file, src/nn/characters_<name>.c, and one line in the table of characters.c: lstm and gru concatenate the
 * last states of two directions (Lample et al. 2016); cnn takes the largest value of each filter (Ma & Hovy 2016).
 * Tensors: characters.embedding.weight [V, E] and those of the net, characters.*.
 *
 * A pass without training needs no gradient: it works through the words in portions, so that its buffers have the same
 * size for any number of words. Not collective throughout. */
#pragma once
#include "cell.h"
#include "config.h"
#include "inputs.h"
#include "layers.h"

#define LK_FILTER_WIDTHS 8

typedef struct lk_character_net lk_character_net;

/* The distinct words of a batch: those of local shard s are shard_word[s] .. shard_word[s+1], the longest first. */
typedef struct lk_word_list {
  ptrdiff_t n;
  int32_t *id, *length;  /* [N] index into the spelling; rows of it */
  int32_t *row;          /* [N] the word of each row of the batch */
  ptrdiff_t *shard_word; /* [shards+1] */
  /* [N], [N], [N]: ids as found, their new places, their slots; [slots] a hash table */
  int32_t *found, *moved, *place, *slot;
  ptrdiff_t slots; /* a power of 2 */
} lk_word_list;

typedef struct lk_characters {
  const lk_character_net *net;
  const lk_config *config;
  ptrdiff_t V, E, width, ld; /* characters; embedding; of a word's vector, and its stride */
  lk_embedding table;
  lk_word_list words;
  ptrdiff_t most;       /* rows of characters that there is room for */
  lk_pack pack;         /* the characters of the words at hand */
  int32_t *ids;         /* [most] */
  lk_distinct distinct; /* of the characters */
  lk_real *x;           /* [most, Ep] embeddings, of distinct characters where no units are dropped */
  lk_real *dx;
  lk_real *word, *dword; /* [N, ld] */
  lk_recurrent layer[2]; /* lstm, gru: the two directions */
  struct lk_filters {    /* cnn */
    lk_dense taps;       /* weight [T, F, E]: a filter of width w has w taps */
    int bias;            /* [width] */
    ptrdiff_t F, T;
    int width[LK_FILTER_WIDTHS], count;
    lk_real *part, *dpart; /* [most, ld of T F] the product of each character and each tap */
    lk_real *sum;          /* [F] */
    int32_t *time;         /* [N, width] where each filter is largest */
    lk_real *scratch;
  } filters;
} lk_characters;

struct lk_character_net {
  const char *name, *help;
  const char *reads; /* settings (choices.h) */
  /** Set width and declare the tensors. LK_USAGE. */
  lk_status (*declare)(lk_characters *c, lk_params *params, const lk_config *config);
  void (*layout_weights)(lk_characters *c, lk_arena *weights, int training);
  /** Buffers for at most B words and c->most characters. */
  void (*layout)(lk_characters *c, lk_arena *arena, ptrdiff_t B, int training);
  void (*pack)(lk_characters *c, const lk_params *params, int training, lk_part part);
  /** word [c->pack.B, ld] from c->x; columns beyond width are not read. */
  void (*forward)(lk_characters *c, const lk_params *params, lk_real *word);
  /** Assign the gradients of the net's tensors, and c->dx, from c->dword, which may be changed; c->word is the result of
   *  forward. */
  void (*backward)(lk_characters *c, const lk_grads *grads);
};

/** Declare the net that model.characters names, for an alphabet of V characters. LK_USAGE. */
LK_CHECKED lk_status lk_characters_declare(lk_characters *c, lk_params *params, const lk_config *config, ptrdiff_t V);
void lk_characters_layout_weights(lk_characters *c, lk_arena *weights, int training);
/** Buffers for batches of at most N words, whose spellings have at most `most` rows together; 0: any. */
void lk_characters_layout(lk_characters *c, lk_arena *arena, ptrdiff_t N, ptrdiff_t most, int training);
void lk_characters_pack(lk_characters *c, const lk_params *params, int training, lk_part part);
/** The vectors of the words `ids` [pack->N] of the spelling, as columns 0 .. width of x [pack->N, ld]. */
void lk_characters_forward(lk_characters *c, const lk_params *params, const lk_pack *pack, const int32_t *ids,
                           const lk_spelling *spelling, lk_mode mode, lk_real *x, ptrdiff_t ld);
/** Assign all gradients, from those of the vectors. */
void lk_characters_backward(lk_characters *c, const lk_pack *pack, lk_mode mode, const lk_real *dx, ptrdiff_t ld,
                            const lk_grads *grads);
