#include "match.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

enum { MOST_NAMES = 6 }; /* of a list in a message */

/* What stands before the last dot of a name, and behind it. */
typedef struct module {
  const char *name;
  size_t size;
} module;

static module module_of(const char *name) {
  const char *dot = strrchr(name, '.');
  return (module){name, dot ? (size_t)(dot - name) : 0};
}

static const char *leaf_of(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot ? dot + 1 : name;
}

static bool same(module a, module b) { return a.size == b.size && memcmp(a.name, b.name, a.size) == 0; }

/* Whether the last words of two modules' names are the same. */
static bool ends_alike(module a, module b) {
  size_t n = 0;
  while (n < a.size && n < b.size && a.name[a.size - n - 1] == b.name[b.size - n - 1] && a.name[a.size - n - 1] != '.')
    n++;
  const bool begins = n == a.size || a.name[a.size - n - 1] == '.',
             other = n == b.size || b.name[b.size - n - 1] == '.';
  return n > 0 && begins && other;
}

/* Tensors that describe a corpus (describe.h) belong to no module of a net. */
static bool is_description(const char *name) {
  return strcmp(name, "vectors.values") == 0 || strcmp(name, "vectors.source") == 0 ||
         strncmp(name, "tokenizer.", 10) == 0;
}

typedef struct matching {
  const lk_outside *outside;
  const char *path;
  const lk_piece *piece;
  int count;
  lk_mappings maps;
  const lk_outside_tensor **of; /* [count] */
  bool *taken;                  /* [tensors] */
  lk_buffer *notes;
} matching;

static const lk_outside_tensor *find(const matching *m, module from, const char *leaf) {
  for (int i = 0; i < m->outside->tensors; i++) {
    const char *name = m->outside->tensor[i].name;
    if (same(module_of(name), from) && strcmp(leaf_of(name), leaf) == 0) return &m->outside->tensor[i];
  }
  return NULL;
}

static bool same_shape(const lk_piece *piece, const lk_outside_tensor *t) {
  bool equal = piece->dims == t->dims;
  for (int d = 0; equal && d < t->dims; d++) equal = piece->shape[d] == t->shape[d];
  return equal;
}

static bool is_bias(const lk_piece *piece) { return strncmp(leaf_of(piece->name), "bias", 4) == 0; }

/* Whether a tensor of the file is one of the pieces of a module. */
static bool is_wanted(const matching *m, module ours, const char *leaf) {
  for (int i = 0; i < m->count; i++)
    if (same(module_of(m->piece[i].name), ours) && strcmp(leaf_of(m->piece[i].name), leaf) == 0) return true;
  return false;
}

/* Whether module `from` of the file is `ours`; where not, and `why` is not NULL, append the reason. */
static lk_status fits(const matching *m, module ours, module from, bool biases, bool *fit, lk_buffer *why) {
  char wanted[160], found[160];
  *fit = false;
  for (int i = 0; i < m->count; i++) {
    const lk_piece *p = &m->piece[i];
    if (!same(module_of(p->name), ours)) continue;
    const lk_outside_tensor *t = find(m, from, leaf_of(p->name));
    if (t == NULL && (p->kind != LK_PIECE_OWN || (!biases && is_bias(p)))) continue;
    if (t != NULL && same_shape(p, t)) continue;
    if (why == NULL) return LK_OK;
    if (t == NULL) return lk_buffer_printf(why, "it has no tensor '%s'", leaf_of(p->name));
    return lk_buffer_printf(why, "'%s' has the shape %s, the configuration needs %s", t->name,
                            lk_outside_shape(found, t->dims, t->shape), lk_outside_shape(wanted, p->dims, p->shape));
  }
  for (int i = 0; i < m->outside->tensors; i++) {
    const char *name = m->outside->tensor[i].name;
    if (!same(module_of(name), from) || is_wanted(m, ours, leaf_of(name)) || is_description(name)) continue;
    return why ? lk_buffer_printf(why, "the configuration has nothing for '%s'", name) : LK_OK;
  }
  *fit = true;
  return LK_OK;
}

/* ---- one module ---- */

static void take(matching *m, module ours, module from) {
  for (int i = 0; i < m->count; i++) {
    if (m->of[i] || !same(module_of(m->piece[i].name), ours)) continue;
    m->of[i] = find(m, from, leaf_of(m->piece[i].name));
    if (m->of[i]) m->taken[m->of[i] - m->outside->tensor] = true;
  }
}

/* A tensor of a module that it cannot be without. */
static const lk_piece *main_piece(const matching *m, module ours) {
  const lk_piece *first = NULL;
  for (int i = m->count - 1; i >= 0; i--)
    if (same(module_of(m->piece[i].name), ours) && (first == NULL || !is_bias(&m->piece[i]))) first = &m->piece[i];
  LK_ASSERT(first != NULL);
  return first;
}

/* Append "'a' [3, 4], 'b' [4]" of the tensors that are not taken. */
static lk_status list_left(const matching *m, lk_buffer *out) {
  char shape[160];
  int n = 0;
  for (int i = 0; i < m->outside->tensors; i++) {
    const lk_outside_tensor *t = &m->outside->tensor[i];
    if (m->taken[i] || n++ >= MOST_NAMES) continue;
    LK_TRY(
        lk_buffer_printf(out, "%s'%.60s' %s", n > 1 ? ", " : "", t->name, lk_outside_shape(shape, t->dims, t->shape)));
  }
  return n > MOST_NAMES ? lk_buffer_printf(out, " and %d more", n - MOST_NAMES) : LK_OK;
}

/* No module fits: say why the one that is nearest does not, or what there is. */
static lk_status explain(const matching *m, const lk_piece *piece) {
  const module ours = module_of(piece->name);
  lk_buffer why = {0};
  char wanted[160];
  bool fit;
  lk_status status = LK_OK;
  const lk_outside_tensor *near = NULL;
  for (int i = 0; i < m->outside->tensors; i++) {
    const lk_outside_tensor *t = &m->outside->tensor[i];
    if (m->taken[i] || strcmp(leaf_of(t->name), leaf_of(piece->name)) != 0) continue;
    if (near == NULL || same_shape(piece, t) || ends_alike(ours, module_of(t->name))) near = t;
  }
  if (near) LK_GO(fits(m, ours, module_of(near->name), true, &fit, &why));
  if (why.size == 0) LK_GO(list_left(m, &why));
  lk_outside_shape(wanted, piece->dims, piece->shape);
  if (near)
    status = LK_FAIL(LK_DATA, "%s: nothing fits '%s' %s: %s", m->path, piece->name, wanted, why.data);
  else
    status = LK_FAIL(LK_DATA, "%s: no tensor is called '%s', as '%s' %s; the file has %s; --map OURS=THEIRS says which",
                     m->path, leaf_of(piece->name), piece->name, wanted, why.data ? why.data : "no others");
done:
  lk_buffer_release(&why);
  return status;
}

/* Count what fits, and of it what has a name that ends alike; found: the first of each. */
static lk_status count_fits(const matching *m, module ours, bool biases, int count[2], module found[2]) {
  const char *leaf = leaf_of(main_piece(m, ours)->name);
  bool fit;
  count[0] = count[1] = 0;
  for (int i = 0; i < m->outside->tensors; i++) {
    const module from = module_of(m->outside->tensor[i].name);
    if (m->taken[i] || strcmp(leaf_of(m->outside->tensor[i].name), leaf) != 0) continue;
    LK_TRY(fits(m, ours, from, biases, &fit, NULL));
    if (!fit) continue;
    if (count[0]++ == 0) found[0] = from;
    if (ends_alike(ours, from) && count[1]++ == 0) found[1] = from;
  }
  return LK_OK;
}

static lk_status ambiguous(const matching *m, const lk_piece *piece, int count, module first) {
  const module ours = module_of(piece->name);
  return LK_FAIL(LK_DATA, "%s: %d modules fit '%.*s', '%.*s' and others: --map %.*s=%.*s says which", m->path, count,
                 (int)ours.size, ours.name, (int)first.size, first.name, (int)ours.size, ours.name, (int)first.size,
                 first.name);
}

static bool has_own(const matching *m, module ours) {
  for (int i = 0; i < m->count; i++)
    if (m->piece[i].kind == LK_PIECE_OWN && same(module_of(m->piece[i].name), ours)) return true;
  return false;
}

/* The module of the piece, which the user did not name. */
static lk_status search(matching *m, const lk_piece *piece) {
  const module ours = module_of(piece->name);
  int count[2] = {0};
  module found[2] = {ours, ours};
  bool fit;
  LK_TRY(fits(m, ours, ours, true, &fit, NULL));
  if (fit) return take(m, ours, ours), LK_OK;
  LK_TRY(count_fits(m, ours, true, count, found));
  if (count[0] == 0 && has_own(m, ours)) LK_TRY(count_fits(m, ours, false, count, found));
  if (count[0] == 1 || count[1] == 1) return take(m, ours, found[count[0] != 1]), LK_OK;
  if (!has_own(m, ours)) return LK_OK;
  return count[0] == 0 ? explain(m, piece) : ambiguous(m, piece, count[0], found[0]);
}

/* ---- what the user says ---- */

static lk_status map_tensor(matching *m, const lk_mapping *map, int i) {
  char wanted[160], found[160];
  const lk_piece *p = &m->piece[i];
  const lk_outside_tensor *t = lk_outside_find(m->outside, map->theirs);
  if (t == NULL)
    return LK_FAIL(LK_USAGE, "--map %s=%s: the file has no tensor '%s'", map->ours, map->theirs, map->theirs);
  if (!same_shape(p, t))
    return LK_FAIL(LK_DATA, "%s: '%s' has the shape %s, '%s' needs %s", m->path, t->name,
                   lk_outside_shape(found, t->dims, t->shape), p->name, lk_outside_shape(wanted, p->dims, p->shape));
  m->of[i] = t;
  m->taken[t - m->outside->tensor] = true;
  return LK_OK;
}

static lk_status map_module(matching *m, const lk_mapping *map) {
  const module ours = {map->ours, strlen(map->ours)}, theirs = {map->theirs, strlen(map->theirs)};
  lk_buffer why = {0};
  bool fit;
  lk_status status;
  LK_GO(fits(m, ours, theirs, false, &fit, &why));
  if (!fit)
    status = LK_FAIL(LK_DATA, "%s: --map %s=%s: it does not fit: %s", m->path, map->ours, map->theirs, why.data);
  else
    take(m, ours, theirs);
done:
  lk_buffer_release(&why);
  return status;
}

static lk_status map(matching *m, const lk_mapping *item) {
  const module ours = {item->ours, strlen(item->ours)};
  for (int i = 0; i < m->count; i++)
    if (strcmp(m->piece[i].name, item->ours) == 0) return map_tensor(m, item, i);
  for (int i = 0; i < m->count; i++)
    if (same(module_of(m->piece[i].name), ours)) return map_module(m, item);
  return LK_FAIL(LK_USAGE, "--map %s=%s: the model has neither a tensor nor a module '%s'", item->ours, item->theirs,
                 item->ours);
}

/* ---- all ---- */

static bool is_complete(const matching *m, module ours) {
  for (int i = 0; i < m->count; i++)
    if (m->piece[i].kind == LK_PIECE_OWN && !m->of[i] && same(module_of(m->piece[i].name), ours)) return false;
  return true;
}

/* Whether piece i is the first of its module. */
static bool is_first(const matching *m, int i) {
  for (int j = 0; j < i; j++)
    if (same(module_of(m->piece[j].name), module_of(m->piece[i].name))) return false;
  return true;
}

static lk_status note(matching *m) {
  int zeros = 0, left = 0;
  for (int i = 0; i < m->count; i++) {
    if (m->of[i] || m->piece[i].kind != LK_PIECE_OWN) continue;
    LK_TRY(
        lk_buffer_printf(m->notes, "%s%s", zeros++ ? ", " : "biases that the file lacks, zeros: ", m->piece[i].name));
  }
  if (zeros) LK_TRY(lk_buffer_printf(m->notes, "\n"));
  for (int i = 0; i < m->outside->tensors; i++) {
    left += !m->taken[i];
  }
  if (left == 0) return LK_OK;
  LK_TRY(lk_buffer_printf(m->notes, "left out: "));
  LK_TRY(list_left(m, m->notes));
  return lk_buffer_printf(m->notes, "\n");
}

lk_status lk_match(const lk_outside *outside, const char *path, const lk_piece *pieces, int count, lk_mappings maps,
                   const lk_outside_tensor **of, lk_buffer *notes) {
  matching m = {
      .outside = outside, .path = path, .piece = pieces, .count = count, .maps = maps, .of = of, .notes = notes};
  lk_status status;
  LK_GO(lk_alloc(&m.taken, (size_t)outside->tensors + 1, sizeof *m.taken));
  for (int i = 0; i < outside->tensors; i++) m.taken[i] = is_description(outside->tensor[i].name);
  for (int i = 0; i < maps.count; i++) LK_GO(map(&m, &maps.item[i]));
  for (int i = 0; i < count; i++)
    if (is_first(&m, i) && !is_complete(&m, module_of(pieces[i].name))) LK_GO(search(&m, &pieces[i]));
  for (int i = 0; i < count; i++) /* tied ones, which a file may have */
    if (is_first(&m, i) && !m.of[i] && !has_own(&m, module_of(pieces[i].name))) LK_GO(search(&m, &pieces[i]));
  LK_GO(note(&m));
done:
  free(m.taken);
  return status;
}
