#include "characters.h"

#include "choices.h"
#include "nn_impl.h"

enum {
  PORTION = 4096,      /* rows of characters that a pass without training works on at a time */
  DROPOUT_LAYER = 128, /* of the masks: above those of all recurrent layers */
};

/* The table of nets: one line each. */
#define NETS(X) \
  X(lstm)       \
  X(gru)        \
  X(cnn)

#define DECLARE(name) extern const lk_character_net lk_characters_##name;
#define ADDRESS(name) &lk_characters_##name,
NETS(DECLARE)
static const lk_character_net *const nets[] = {NETS(ADDRESS)};
enum { NET_COUNT = sizeof nets / sizeof *nets };

static lk_choice net_choice(size_t i) {
  if (i == 0) return (lk_choice){"none", "words are read by their embedding alone", NULL};
  return i <= NET_COUNT ? (lk_choice){nets[i - 1]->name, nets[i - 1]->help, nets[i - 1]->reads} : (lk_choice){0};
}
LK_CHOICES("model.characters", net_choice)

lk_status lk_characters_declare(lk_characters *c, lk_params *params, const lk_config *config, ptrdiff_t V) {
  size_t choice;
  LK_TRY(lk_config_choice(config, "model.characters", &choice));
  LK_ASSERT(choice > 0);
  *c = (lk_characters){.net = nets[choice - 1], .config = config, .V = V};
  c->E = (ptrdiff_t)config->model.character_embedding;
  LK_TRY(lk_embedding_declare(&c->table, params, "characters.embedding", V, c->E, 0));
  LK_TRY(c->net->declare(c, params, config));
  c->ld = lk_padded(c->width);
  return LK_OK;
}

void lk_characters_layout_weights(lk_characters *c, lk_arena *weights, int training) {
  c->net->layout_weights(c, weights, training);
}

void lk_characters_pack(lk_characters *c, const lk_params *params, int training, lk_part part) {
  c->net->pack(c, params, training, part);
}

static void layout_words(lk_word_list *w, lk_arena *arena, ptrdiff_t N) {
  *w = (lk_word_list){.slots = 2};
  while (w->slots < 2 * N) w->slots *= 2;
  int32_t **arrays[] = {&w->id, &w->length, &w->row, &w->found, &w->moved, &w->place};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) *arrays[i] = lk_arena_ints(arena, N);
  w->slot = lk_arena_ints(arena, w->slots);
  w->shard_word = lk_arena_take(arena, sizeof(ptrdiff_t) * (LK_MAX_SHARDS + 1));
}

void lk_characters_layout(lk_characters *c, lk_arena *arena, ptrdiff_t N, ptrdiff_t most, int training) {
  static const lk_shards any = {.count = LK_MAX_SHARDS};
  const ptrdiff_t limit = N * LK_SPELLING_LONGEST, ldx = lk_padded(c->E);
  if (!training) most = PORTION;
  c->most = most > 0 && most < limit ? most : limit;
  if (c->most < LK_SPELLING_LONGEST) c->most = LK_SPELLING_LONGEST; /* any word fits into a portion */
  layout_words(&c->words, arena, N);
  lk_pack_layout(&c->pack, arena, &any, N, c->most, LK_SPELLING_LONGEST);
  c->ids = lk_arena_ints(arena, c->most);
  lk_distinct_layout(&c->distinct, arena, c->V, c->most);
  lk_embedding_layout(&c->table, arena, c->most, training);
  c->x = lk_arena_reals(arena, c->most * ldx);
  c->dx = lk_arena_reals(arena, training ? c->most * ldx : 0);
  c->word = lk_arena_reals(arena, N * c->ld);
  c->dword = lk_arena_reals(arena, training ? N * c->ld : 0);
  c->net->layout(c, arena, N, training);
}

/* ---- the distinct words of each shard ---- */

static ptrdiff_t spelled_length(const lk_spelling *spelling, int32_t id) {
  LK_ASSERT(id >= 0 && id < spelling->count);
  const ptrdiff_t length = (ptrdiff_t)(spelling->begin[id + 1] - spelling->begin[id]);
  LK_ASSERT(length >= 1 && length <= LK_SPELLING_LONGEST);
  return length;
}

/* The number of a word among found[first, n), or n, where it is then. A hash table that needs no clearing (Briggs &
 * Torczon 1993): a slot counts only if it names a word of this shard that names the slot. */
static ptrdiff_t look_up(lk_word_list *w, ptrdiff_t first, int32_t id) {
  const ptrdiff_t mask = w->slots - 1;
  for (ptrdiff_t at = (ptrdiff_t)((uint32_t)id * 2654435761U >> 7) & mask;; at = (at + 1) & mask) {
    const int32_t word = w->slot[at];
    if (word < first || word >= w->n || w->place[word] != at) {
      w->slot[at] = (int32_t)w->n;
      w->place[w->n] = (int32_t)at;
      w->found[w->n] = id;
      return w->n;
    }
    if (w->found[word] == id) return word;
  }
}

/* Words found[first, n) to id and length, the longest first, equal lengths as found. */
static void sort_words(lk_word_list *w, ptrdiff_t first, const lk_spelling *spelling) {
  ptrdiff_t start[LK_SPELLING_LONGEST + 2] = {0}; /* [l]: where words of length l begin */
  for (ptrdiff_t i = first; i < w->n; i++) start[spelled_length(spelling, w->found[i]) - 1]++;
  for (ptrdiff_t l = LK_SPELLING_LONGEST; l >= 0; l--) start[l] += start[l + 1];
  for (ptrdiff_t i = first; i < w->n; i++) {
    const ptrdiff_t length = spelled_length(spelling, w->found[i]), to = first + start[length]++;
    w->moved[i] = (int32_t)to;
    w->id[to] = w->found[i];
    w->length[to] = (int32_t)length;
  }
}

static void find_words(lk_word_list *w, const lk_pack *pack, const int32_t *ids, const lk_spelling *spelling) {
  w->n = 0;
  for (int s = 0; s < pack->shards->count; s++) {
    const ptrdiff_t first = w->shard_word[s] = w->n;
    for (ptrdiff_t r = pack->shard_row[s]; r < pack->shard_row[s + 1]; r++) {
      const ptrdiff_t word = look_up(w, first, ids[r]);
      w->n += word == w->n;
      w->row[r] = (int32_t)word;
    }
    sort_words(w, first, spelling);
    for (ptrdiff_t r = pack->shard_row[s]; r < pack->shard_row[s + 1]; r++) w->row[r] = w->moved[w->row[r]];
  }
  w->shard_word[pack->shards->count] = w->n;
}

/* ---- passes ---- */

static ptrdiff_t clamp(ptrdiff_t x, ptrdiff_t least, ptrdiff_t most) { return x < least ? least : x > most ? most : x; }

/* The characters of words [begin, end) as a packed batch. */
static void pack_words(lk_characters *c, const lk_shards *shards, const lk_spelling *spelling, ptrdiff_t begin,
                       ptrdiff_t end) {
  lk_pack *p = &c->pack;
  p->shards = shards;
  for (int s = 0; s <= shards->count; s++) p->shard_seq[s] = clamp(c->words.shard_word[s], begin, end) - begin;
  for (ptrdiff_t b = 0; b < end - begin; b++) {
    p->length[b] = c->words.length[begin + b];
    p->id[b] = (uint32_t)c->words.id[begin + b];
  }
  lk_pack_fill(p);
  for (ptrdiff_t b = 0; b < end - begin; b++) {
    const int32_t *character = spelling->character + spelling->begin[c->words.id[begin + b]];
    for (ptrdiff_t r = lk_pack_row(p, b, 0); r >= 0; r = p->later[r]) c->ids[r] = *character++;
  }
}

static int drops(const lk_characters *c, lk_mode mode) {
  return mode.training && c->config->model.character_dropout > 0;
}

static void drop(const lk_characters *c, lk_mode mode, lk_real *x) {
  const ptrdiff_t ld = lk_padded(c->E);
  if (drops(c, mode))
    lk_dropout(&c->pack, mode, c->config->model.character_dropout, 0, DROPOUT_LAYER, c->E, x, ld, x, ld);
}

static void embed(lk_characters *c, const lk_params *params, lk_mode mode) {
  const ptrdiff_t ld = lk_padded(c->E);
  if (drops(c, mode))
    lk_distinct_each(&c->distinct, &c->pack, c->ids);
  else
    lk_distinct_find(&c->distinct, &c->pack, c->ids);
  lk_embedding_forward(&c->table, params, c->distinct.n, c->distinct.id, c->x, ld);
  for (ptrdiff_t r = 0; r < c->distinct.n; r++) zero_pads(c->x + r * ld, c->E, ld);
  drop(c, mode, c->x);
}

/* The end of the words from `begin` on that there is room for. */
static ptrdiff_t portion_end(const lk_characters *c, ptrdiff_t begin) {
  ptrdiff_t end = begin, rows = 0;
  while (end < c->words.n && rows + c->words.length[end] <= c->most) rows += c->words.length[end++];
  return end;
}

void lk_characters_forward(lk_characters *c, const lk_params *params, const lk_pack *pack, const int32_t *ids,
                           const lk_spelling *spelling, lk_mode mode, lk_real *x, ptrdiff_t ld) {
  find_words(&c->words, pack, ids, spelling);
  ptrdiff_t begin = 0;
  do { /* at least once: backward needs a pack, also of no words */
    const ptrdiff_t end = portion_end(c, begin);
    LK_ASSERT(!mode.training || end == c->words.n);
    pack_words(c, pack->shards, spelling, begin, end);
    embed(c, params, mode);
    c->net->forward(c, params, c->word + begin * c->ld);
    begin = end;
  } while (begin < c->words.n);
  for (ptrdiff_t r = 0; r < pack->N; r++) copy_row(x + r * ld, c->word + c->words.row[r] * c->ld, c->width);
}

void lk_characters_backward(lk_characters *c, const lk_pack *pack, lk_mode mode, const lk_real *dx, ptrdiff_t ld,
                            const lk_grads *grads) {
  memset(c->dword, 0, (size_t)(c->words.n * c->ld) * sizeof *c->dword);
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    lk_real *to = c->dword + c->words.row[r] * c->ld;
    for (ptrdiff_t i = 0; i < c->width; i++) to[i] += dx[r * ld + i];
  }
  c->net->backward(c, grads);
  drop(c, mode, c->dx);
  lk_embedding_backward(&c->table, c->distinct.shard_row, c->distinct.id, c->dx, lk_padded(c->E), NULL, grads);
}
