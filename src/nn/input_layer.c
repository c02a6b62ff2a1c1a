#include "input_layer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choices.h"
#include "nn_impl.h"

#define FIRST_WORD 4 /* ids below it are <pad> <sos> <eos> <unk> */
#define UNKNOWN    3

/* The table of features: one line each. */
#define FEATURES(X) \
  X(embed)          \
  X(onehot)         \
  X(numbers)

#define DECLARE(name) extern const lk_feature_kind lk_feature_##name;
#define ADDRESS(name) &lk_feature_##name,
FEATURES(DECLARE)
static const lk_feature_kind *const kinds[] = {FEATURES(ADDRESS)};
enum { KINDS = sizeof kinds / sizeof *kinds };

const char *const *lk_feature_names(size_t *count) {
  static const char *names[KINDS];
  for (size_t i = 0; i < KINDS; i++) names[i] = kinds[i]->name;
  *count = KINDS;
  return names;
}

/* The kinds that read tokens. */
static lk_choice input_choice(size_t i) {
  for (size_t k = 0; k < KINDS; k++)
    if (kinds[k]->tokens && i-- == 0) return (lk_choice){kinds[k]->name, kinds[k]->help, kinds[k]->reads};
  return (lk_choice){0};
}
LK_CHOICES("model.input", input_choice)

/* What model.vectors makes of the vectors of words that came with the corpus: one line each. */
extern const lk_feature_kind lk_feature_frozen, lk_feature_tuned;
static const struct vectors_use {
  lk_choice choice;
  const lk_feature_kind *kind; /* how they are read, or NULL */
  int beside;                  /* what model.input says is read too */
  lk_vectors_read read;
} uses[] = {{{"none", "they are not read", NULL}, NULL, 1, LK_VECTORS_UNREAD},
            {{"frozen", "read instead of the embedding, not trained", NULL}, &lk_feature_frozen, 0, LK_VECTORS_VALUES},
            {{"tuned", "read instead of the embedding, trained", NULL}, &lk_feature_tuned, 0, LK_VECTORS_WORDS},
            {{"added", "read beside the embedding, not trained", NULL}, &lk_feature_frozen, 1, LK_VECTORS_VALUES}};
enum { USES = sizeof uses / sizeof *uses };

static lk_choice vectors_choice(size_t i) { return i < USES ? uses[i].choice : (lk_choice){0}; }
LK_CHOICES("model.vectors", vectors_choice)

lk_vectors_read lk_input_vectors(const lk_config *config) {
  size_t i = 0;
  while (i < USES && strcmp(uses[i].choice.name, config->model.vectors) != 0) i++;
  return i < USES ? uses[i].read : LK_VECTORS_UNREAD;
}

static const lk_feature_kind *find_kind(const char *name, size_t size) {
  for (size_t i = 0; i < KINDS; i++)
    if (strlen(kinds[i]->name) == size && memcmp(kinds[i]->name, name, size) == 0) return kinds[i];
  return NULL;
}

/* ---- what the configuration names ---- */

/* Column 0, as model.input says; numbers are read as they are. */
static lk_status choose_main(lk_input_layer *in, const lk_column_form *column) {
  size_t choice;
  lk_feature *f = &in->feature[0];
  const char *name = in->config->model.input;
  LK_TRY(lk_config_choice(in->config, "model.input", &choice));
  *f = (lk_feature){.column = *column, .key = "model.embedding", .name = "embedding"};
  f->column.vectors = NULL;
  f->kind = column->values > 0 ? find_kind(name, strlen(name)) : &lk_feature_numbers;
  f->size = (ptrdiff_t)in->config->model.embedding;
  return LK_OK;
}

extern const lk_feature_kind lk_feature_characters;

/* How words are written, where model.characters names a net that reads it. */
static lk_status choose_characters(lk_input_layer *in, const lk_column_form *columns, int count) {
  const char *net = in->config->model.characters;
  size_t choice;
  int at = 1;
  LK_TRY(lk_config_choice(in->config, "model.characters", &choice));
  if (choice == 0) return LK_OK;
  while (at < count && !columns[at].spelled) at++;
  if (at >= count)
    return lk_config_error(
        in->config, "model.characters",
        "%s reads how words are written, which the corpus does not say: run 'lockstep prepare' again "
        "(it stores a column 'form' for the words of text, classify and label, unless --no-forms is "
        "given)",
        net);
  in->feature[in->count++] = (lk_feature){
      .kind = &lk_feature_characters, .column = columns[at], .key = "model.characters", .name = "characters"};
  return LK_OK;
}

/* The vectors, of the column that has them. */
static lk_status add_vectors(lk_input_layer *in, const lk_feature_kind *kind, const lk_column_form *columns,
                             int count) {
  int at = 0;
  while (at < count && columns[at].vectors == NULL) at++;
  if (at >= count)
    return lk_config_error(in->config, "model.vectors",
                           "the corpus has no vectors of words: the option --vectors of 'lockstep prepare' adds them");
  lk_feature *f = &in->feature[in->count++];
  *f = (lk_feature){.kind = kind, .column = columns[at], .key = "model.vectors", .name = "vectors"};
  f->column.values = f->column.vectors->rows;
  f->column.counts = NULL; /* words are not dropped */
  return LK_OK;
}

/* Column 0, and vectors instead of it or beside it. */
static lk_status choose_words(lk_input_layer *in, const lk_column_form *columns, int count) {
  size_t use;
  LK_TRY(lk_config_choice(in->config, "model.vectors", &use));
  if (uses[use].beside) {
    LK_TRY(choose_main(in, columns));
    in->count = 1;
  }
  return uses[use].kind ? add_vectors(in, uses[use].kind, columns, count) : LK_OK;
}

/* One item of model.features: COLUMN, COLUMN:KIND or COLUMN:KIND:SIZE. */
typedef struct item {
  char text[96];
  const char *column, *kind; /* in text; kind NULL: none is named */
  long size;                 /* 0: none is given */
} item;

static lk_status read_item(const lk_config *config, const char *text, size_t size, item *wanted) {
  char *rest = wanted->text, *end = "";
  (void)snprintf(wanted->text, sizeof wanted->text, "%.*s", (int)size, text);
  wanted->column = strsep(&rest, ":");
  wanted->kind = strsep(&rest, ":");
  wanted->size = rest ? strtol(rest, &end, 10) : 0;
  const int named = *wanted->column && (wanted->kind == NULL || *wanted->kind);
  const int sized = rest == NULL || (wanted->size > 0 && wanted->size <= LK_MAX_WIDTH && *end == '\0');
  if (size > 0 && size < sizeof wanted->text && named && sized) return LK_OK;
  return lk_config_error(config, "model.features",
                         "expected COLUMN, COLUMN:KIND or COLUMN:KIND:SIZE (SIZE from 1 to %d), separated by commas, "
                         "found '%.*s'",
                         LK_MAX_WIDTH, (int)strcspn(text, " "), text);
}

/* A kind that there is not: name those that read what the column holds. */
static lk_status unknown_kind(const lk_config *config, const char *name, int tokens) {
  lk_buffer known = {0};
  lk_status status = LK_OK;
  for (size_t i = 0; i < KINDS; i++)
    if (kinds[i]->tokens == tokens) LK_GO(lk_buffer_printf(&known, "%s%s", known.size > 0 ? ", " : "", kinds[i]->name));
  status = lk_config_error(config, "model.features", "no kind of feature is called '%s'; for this column: %s", name,
                           known.data);
done:
  lk_buffer_release(&known);
  return status;
}

static lk_status choose_kind(const lk_config *config, const item *wanted, lk_feature *f) {
  const char *usual = f->column.values > 0 ? lk_feature_onehot.name : lk_feature_numbers.name;
  const char *name = wanted->kind ? wanted->kind : usual;
  f->kind = find_kind(name, strlen(name));
  if (f->kind == NULL) return unknown_kind(config, name, f->column.values > 0);
  if (f->kind->tokens != (f->column.values > 0))
    return lk_config_error(config, "model.features", "%s reads %s, but column %s of the corpus holds %s", name,
                           f->kind->tokens ? "tokens" : "numbers", wanted->column,
                           f->kind->tokens ? "numbers" : "tokens");
  return LK_OK;
}

static lk_status add_feature(lk_input_layer *in, const item *wanted, const lk_column_form *columns, int count) {
  const lk_config *config = in->config;
  int at = 1;
  while (at < count && (columns[at].spelled || strcmp(columns[at].name, wanted->column) != 0)) at++;
  if (at >= count)
    return lk_config_error(config, "model.features",
                           "the corpus has no column '%s': the option --feature of 'lockstep prepare' adds columns",
                           wanted->column);
  if (columns[at].vectors)
    return lk_config_error(config, "model.features", "column '%s' is read by model.vectors", wanted->column);
  for (int i = 1; i < in->count; i++)
    if (strcmp(in->feature[i].column.name, wanted->column) == 0)
      return lk_config_error(config, "model.features", "column '%s' is named twice", wanted->column);
  lk_feature *f = &in->feature[in->count++];
  *f = (lk_feature){.column = columns[at], .key = "model.features", .size = (ptrdiff_t)wanted->size};
  (void)snprintf(f->name, sizeof f->name, "input.%s", f->column.name);
  return choose_kind(config, wanted, f);
}

static lk_status choose(lk_input_layer *in, const lk_column_form *columns, int count) {
  const char *text = in->config->model.features;
  LK_TRY(choose_words(in, columns, count));
  LK_TRY(choose_characters(in, columns, count));
  const int chosen = in->count;
  for (;;) {
    item wanted;
    text += strspn(text, ", ");
    const size_t size = strcspn(text, ", ");
    if (size == 0 && (in->count > chosen || in->config->model.features[0] == '\0')) return LK_OK;
    if (size == 0) text = in->config->model.features; /* separators alone */
    LK_TRY(read_item(in->config, text, size, &wanted));
    LK_TRY(add_feature(in, &wanted, columns, count));
    text += size;
  }
}

/* Counts that are all missing would turn every word into <unk>. */
static lk_status check_counts(const lk_input_layer *in) {
  const lk_column_form *c = &in->feature[0].column;
  int64_t seen = 0;
  if (!(in->config->model.word_dropout > 0) || c->counts == NULL || c->values <= FIRST_WORD) return LK_OK;
  for (ptrdiff_t id = FIRST_WORD; id < c->values; id++) seen += c->counts[id] > 0;
  if (seen > 0) return LK_OK;
  return LK_FAIL(LK_DATA, "model.word_dropout: the corpus does not say how often words were seen: prepare it again");
}

lk_status lk_input_layer_declare(lk_input_layer *in, lk_params *params, const lk_config *config,
                                 const lk_column_form *columns, int count) {
  LK_ASSERT(count >= 1 && count <= LK_MAX_COLUMNS);
  *in = (lk_input_layer){.config = config};
  LK_TRY(choose(in, columns, count));
  LK_TRY(check_counts(in));
  for (int i = 0; i < in->count; i++) {
    lk_feature *f = &in->feature[i];
    LK_ASSERT(f->column.values == 0 || f->column.width == 1);
    f->offset = in->width;
    LK_TRY(f->kind->declare(f, params, config));
    in->width += f->width;
  }
  in->ld = lk_padded(in->width);
  if (in->width > LK_MAX_WIDTH && !lk_input_layer_picks(in))
    return lk_config_error(config, "data.corpus", "an input of %td numbers is too wide: at most %d", in->width,
                           LK_MAX_WIDTH);
  return LK_OK;
}

lk_column_names lk_input_layer_columns(const lk_input_layer *in) {
  lk_column_names names = {.count = in->count};
  for (int i = 0; i < in->count; i++) names.name[i] = in->feature[i].column.name;
  return names;
}

/* ---- passes ---- */

int lk_input_layer_picks(const lk_input_layer *in) { return in->count == 1 && in->feature[0].kind->picks; }

int lk_input_layer_distinct(const lk_input_layer *in) {
  return in->count == 1 && in->feature[0].kind->tokens && !in->feature[0].kind->picks;
}

int lk_input_layer_learns(const lk_input_layer *in) {
  for (int i = 0; i < in->count; i++)
    if (in->feature[i].kind->backward) return 1;
  return 0;
}

const lk_embedding *lk_input_layer_embedding(const lk_input_layer *in) {
  return in->feature[0].kind == &lk_feature_embed ? &in->feature[0].table : NULL;
}

void lk_input_layer_layout_weights(lk_input_layer *in, lk_arena *weights, int training) {
  for (int i = 0; i < in->count; i++)
    if (in->feature[i].kind->layout_weights) in->feature[i].kind->layout_weights(&in->feature[i], weights, training);
}

void lk_input_layer_pack(lk_input_layer *in, const lk_params *params, int training, lk_part part) {
  for (int i = 0; i < in->count; i++)
    if (in->feature[i].kind->pack) in->feature[i].kind->pack(&in->feature[i], params, training, part);
}

void lk_input_layer_layout(lk_input_layer *in, lk_arena *arena, ptrdiff_t N, int training) {
  if (in->feature[0].kind->tokens) in->ids = lk_arena_ints(arena, N);
  for (int i = 0; i < in->count; i++) in->feature[i].characters_most = in->characters_most;
  for (int i = 0; i < in->count; i++) {
    lk_feature *f = &in->feature[i];
    if (f->kind->layout) f->kind->layout(f, arena, N, training);
    if (f->column.vectors && f->column.vectors->row_of) f->mapped = lk_arena_ints(arena, N);
  }
  if (lk_input_layer_distinct(in)) lk_distinct_layout(&in->distinct, arena, in->feature[0].column.values, N);
  if (!lk_input_layer_picks(in)) in->x = lk_arena_reals(arena, N * in->ld);
}

/* in->ids: the batch's words, rare ones now and then as <unk>, so that <unk> is learnt (Kiperwasser & Goldberg 2016). */
static void take_ids(lk_input_layer *in, const lk_pack *pack, const int32_t *ids, lk_mode mode) {
  const int64_t *counts = in->feature[0].column.counts;
  const double a = in->config->model.word_dropout;
  memcpy(in->ids, ids, (size_t)pack->N * sizeof *ids);
  if (!mode.training || !(a > 0) || counts == NULL) return;
  const lk_rng rng = lk_rng_make(mode.seed, LK_PURPOSE_WORD);
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    if (ids[r] < FIRST_WORD) continue;
    const double u = lk_rng_uniform(rng, mode.step, pack->id[pack->seq[r]], (uint32_t)pack->time[r], 0);
    if (u < a / (a + (double)counts[ids[r]])) in->ids[r] = UNKNOWN;
  }
}

static const lk_column *find_column(const lk_inputs *columns, const lk_feature *f) {
  int at = 0;
  while (at < columns->count && strcmp(columns->column[at].name, f->column.name) != 0) at++;
  LK_ASSERT(at < columns->count);
  return &columns->column[at];
}

/* The rows of the vectors of a column's tokens. */
static const int32_t *find_vectors(lk_feature *f, const int32_t *ids, ptrdiff_t N) {
  for (ptrdiff_t r = 0; r < N; r++) f->mapped[r] = f->column.vectors->row_of[ids[r]];
  return f->mapped;
}

/* Whether rows of x are masked, so that two of one word differ. */
static int drops(const lk_input_layer *in, lk_mode mode) {
  return mode.training && in->config->model.input_dropout > 0 && !lk_input_layer_picks(in);
}

/* Dropout of word types, then of units; forward on x and backward on its gradient. */
static void drop(const lk_input_layer *in, const lk_pack *pack, lk_mode mode, lk_real *x) {
  const lk_config_model *m = &in->config->model;
  const lk_feature *f = &in->feature[0];
  if (f->kind == &lk_feature_embed) {
    const ptrdiff_t n = lk_input_layer_distinct(in) ? in->distinct.n : pack->N;
    lk_embedding_drop(&f->table, mode, m->embedding_dropout, n, in->rows[0].ids, x + f->offset, in->ld);
  }
  if (drops(in, mode)) lk_dropout(pack, mode, m->input_dropout, m->variational, 0, in->width, x, in->ld, x, in->ld);
}

/* What each feature reads; returns the number of rows of x. */
static ptrdiff_t read_columns(lk_input_layer *in, const lk_pack *pack, const lk_inputs *columns, lk_mode mode) {
  for (int i = 0; i < in->count; i++) {
    const lk_column *column = find_column(columns, &in->feature[i]);
    in->rows[i] = (lk_feature_rows){
        .ids = column->ids, .numbers = column->numbers, .spelling = column->spelling, .pack = pack, .mode = mode};
    LK_ASSERT(in->feature[i].kind->spelled == (column->spelling != NULL));
    LK_ASSERT(in->feature[i].kind->tokens == (column->ids != NULL));
    if (in->feature[i].mapped) in->rows[i].ids = find_vectors(&in->feature[i], column->ids, pack->N);
  }
  if (!in->feature[0].kind->tokens) return pack->N;
  take_ids(in, pack, in->rows[0].ids, mode);
  in->rows[0].ids = in->ids;
  if (!lk_input_layer_distinct(in)) return pack->N;
  if (drops(in, mode))
    lk_distinct_each(&in->distinct, pack, in->ids);
  else
    lk_distinct_find(&in->distinct, pack, in->ids);
  in->rows[0].ids = in->distinct.id;
  return in->distinct.n;
}

lk_rows lk_input_layer_rows(const lk_input_layer *in) {
  if (lk_input_layer_picks(in)) return (lk_rows){.ids = in->ids};
  return (lk_rows){.x = in->x, .ld = in->ld, .distinct = lk_input_layer_distinct(in) ? &in->distinct : NULL};
}

lk_rows lk_input_layer_forward(lk_input_layer *in, const lk_params *params, const lk_pack *pack,
                               const lk_inputs *columns, lk_mode mode) {
  const ptrdiff_t n = read_columns(in, pack, columns, mode);
  if (lk_input_layer_picks(in)) return lk_input_layer_rows(in);
  for (int i = 0; i < in->count; i++) {
    in->feature[i].kind->forward(&in->feature[i], params, n, &in->rows[i], in->x, in->ld);
  }
  for (ptrdiff_t r = 0; r < n; r++) zero_pads(in->x + r * in->ld, in->width, in->ld);
  drop(in, pack, mode, in->x);
  return lk_input_layer_rows(in);
}

void lk_input_layer_backward(lk_input_layer *in, const lk_pack *pack, lk_mode mode, lk_real *dx,
                             const lk_shard_product *also, lk_lookup_gradient *lookup, const lk_grads *grads) {
  const int distinct = lk_input_layer_distinct(in);
  LK_ASSERT((lookup == NULL && also == NULL) || lk_input_layer_embedding(in));
  LK_ASSERT(lookup == NULL || in->count == 1);
  drop(in, pack, mode, dx);
  if (lookup) {
    *lookup = (lk_lookup_gradient){.distinct = &in->distinct, .dx = dx, .ld = in->ld};
    return;
  }
  for (int i = 0; i < in->count; i++) {
    lk_feature *f = &in->feature[i];
    if (f->kind->backward == NULL) continue;
    f->kind->backward(f, distinct ? in->distinct.shard_row : pack->shard_row, &in->rows[i], dx, in->ld,
                      i == 0 ? also : NULL, grads);
  }
}
