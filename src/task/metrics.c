#include "lockstep/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "lockstep/arena.h"

/* BILOU's L and U are BIOES' E and S. */
static char prefix_of(char letter) {
  switch (letter) {
    case 'B':
    case 'I':
    case 'E':
    case 'S':
      return letter;
    case 'L':
      return 'E';
    case 'U':
      return 'S';
    default:
      return '\0';
  }
}

static int same_type(const lk_strings *labels, ptrdiff_t a, ptrdiff_t b) {
  return strcmp(lk_strings_get(labels, a) + 2, lk_strings_get(labels, b) + 2) == 0;
}

/* The type's number: that of the first label with the same type. */
static int32_t type_of(const lk_tagset *set, const lk_strings *labels, ptrdiff_t label) {
  for (ptrdiff_t other = 0; other < label; other++)
    if (set->tag[other].type >= 0 && same_type(labels, label, other)) return set->tag[other].type;
  return (int32_t)label;
}

lk_status lk_tagset_create(lk_tagset *set, const lk_strings *labels) {
  *set = (lk_tagset){.count = labels->count};
  LK_TRY(lk_alloc(&set->tag, (size_t)labels->count, sizeof *set->tag));
  ptrdiff_t outside = 0, inside = 0;
  for (ptrdiff_t i = 0; i < labels->count; i++) {
    const char *label = lk_strings_get(labels, i);
    char prefix = lk_strings_size(labels, i) >= 2 && label[1] == '-' ? prefix_of(label[0]) : '\0';
    set->tag[i] = (lk_tag){.prefix = prefix, .type = -1};
    if (strcmp(label, "O") == 0) {
      set->tag[i].prefix = 'O';
      outside++;
    } else if (prefix) {
      set->tag[i].type = type_of(set, labels, i);
      inside++;
    }
  }
  set->spans = inside > 0 && inside + outside == labels->count;
  return LK_OK;
}

void lk_tagset_release(lk_tagset *set) {
  free(set->tag);
  *set = (lk_tagset){0};
}

static const lk_tag outside = {'O', -1};

/* Whether a span ends between the words tagged a and b. */
static int ends(lk_tag a, lk_tag b) {
  if (a.prefix == 'O') return 0;
  if (a.prefix == 'E' || a.prefix == 'S' || a.type != b.type) return 1;
  return b.prefix == 'B' || b.prefix == 'S' || b.prefix == 'O';
}

/* Whether one starts there. */
static int starts(lk_tag a, lk_tag b) {
  if (b.prefix == 'O') return 0;
  if (b.prefix == 'B' || b.prefix == 'S' || a.type != b.type) return 1;
  return a.prefix == 'O' || a.prefix == 'E' || a.prefix == 'S';
}

static lk_tag tag_at(const lk_tagset *set, const int32_t *label, ptrdiff_t i, ptrdiff_t n) {
  if (i < 0 || i >= n || label[i] < 0) return outside; /* a sentence's ends lie outside of any span */
  LK_ASSERT(label[i] < set->count);
  return set->tag[label[i]];
}

void lk_spans_count(const lk_tagset *set, const int32_t *gold, const int32_t *found, ptrdiff_t n,
                    lk_span_counts *counts) {
  int together = 0; /* both are inside spans that started at one word, with one type */
  lk_tag gold_before = outside, found_before = outside;
  for (ptrdiff_t i = 0; i <= n; i++) {
    lk_tag g = tag_at(set, gold, i, n), f = tag_at(set, found, i, n);
    int gold_ends = ends(gold_before, g), found_ends = ends(found_before, f);
    counts->correct += together && gold_ends && found_ends;
    if (gold_ends || found_ends) together = 0;
    int gold_starts = starts(gold_before, g), found_starts = starts(found_before, f);
    counts->gold += gold_starts;
    counts->found += found_starts;
    if (gold_starts && found_starts) together = g.type == f.type;
    gold_before = g;
    found_before = f;
  }
}
