#include "tag_scheme.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"

const char *const lk_scheme_names[LK_SCHEMES] = {"", "IOB1", "IOB2", "IOE1", "IOE2", "IO", "BIOES"};

static const lk_tag outside = {.prefix = 'O', .type = -1};

static lk_tag plain(lk_tag tag) { return tag.prefix == 'O' || tag.prefix == '\0' ? outside : tag; }

/* Whether two spans of one type meet between these words. */
static bool meet(lk_tag a, lk_tag b) { return a.prefix != 'O' && b.prefix != 'O' && a.type == b.type; }

/* The letter of tag `here` in a scheme, between two others. */
static char letter(lk_scheme scheme, lk_tag before, lk_tag here, lk_tag after) {
  const bool starts = lk_tag_starts(before, here), ends = lk_tag_ends(here, after);
  switch (scheme) {
    case LK_SCHEME_IOB1:
      return starts && meet(before, here) ? 'B' : 'I';
    case LK_SCHEME_IOB2:
      return starts ? 'B' : 'I';
    case LK_SCHEME_IOE1:
      return ends && meet(here, after) ? 'E' : 'I';
    case LK_SCHEME_IOE2:
      return ends ? 'E' : 'I';
    case LK_SCHEME_IO:
      return 'I';
    default:
      return starts && ends ? 'S' : starts ? 'B' : ends ? 'E' : 'I';
  }
}

void lk_scheme_write(lk_tag *tags, ptrdiff_t n, lk_scheme scheme) {
  LK_ASSERT(scheme != LK_SCHEME_AS_FILED);
  lk_tag before = outside, here = n > 0 ? plain(tags[0]) : outside;
  for (ptrdiff_t i = 0; i < n; i++) {
    const lk_tag after = i + 1 < n ? plain(tags[i + 1]) : outside;
    if (here.prefix != 'O') tags[i].prefix = letter(scheme, before, here, after);
    before = here;
    here = after;
  }
}

void lk_scheme_count(lk_scheme_census *census, lk_tag before, lk_tag here, lk_tag after, int64_t times) {
  before = plain(before);
  here = plain(here);
  after = plain(after);
  const char is = here.prefix;
  if (is == 'O') return;
  census->begin |= is == 'B';
  census->inside |= is == 'I';
  census->end |= is == 'E';
  census->single |= is == 'S';
  if (is == 'B' && !meet(before, here)) census->begins_where_free += times;
  if (is == 'E' && !meet(here, after)) census->ends_where_free += times;
  if (is != 'B' && lk_tag_starts(before, here)) census->inside_starts += times;
  if (is != 'E' && lk_tag_ends(here, after)) census->inside_ends += times;
}

lk_scheme lk_scheme_of(const lk_scheme_census *c) {
  if (c->single || (c->begin && c->end)) return LK_SCHEME_AS_FILED;
  if (c->begin) return c->inside_starts > c->begins_where_free ? LK_SCHEME_IOB1 : LK_SCHEME_IOB2;
  if (c->end) return c->inside_ends > c->ends_where_free ? LK_SCHEME_IOE1 : LK_SCHEME_IOE2;
  return LK_SCHEME_IO;
}

/* ---- labels ---- */

static const char letters[] = "BIES";
enum { LETTERS = sizeof letters - 1, NONE = -1, UNSEEN = -2 };

lk_status lk_scheme_labels_create(lk_scheme_labels *labels, const lk_tagset *set, ptrdiff_t unseen) {
  const ptrdiff_t places = (set->types.count + 1) * LETTERS;
  *labels = (lk_scheme_labels){.set = set};
  LK_TRY(lk_alloc(&labels->of, (size_t)places, sizeof *labels->of));
  for (ptrdiff_t i = 0; i < places; i++) labels->of[i] = NONE;
  for (ptrdiff_t i = set->count + unseen - 1; i >= 0; i--) { /* the first of equals */
    const char *at = set->tag[i].prefix ? strchr(letters, set->tag[i].prefix) : NULL;
    const int32_t label = (int32_t)(i < set->count ? i : UNSEEN - (i - set->count));
    if (at && set->tag[i].type >= 0) labels->of[set->tag[i].type * LETTERS + (at - letters)] = label;
  }
  return LK_OK;
}

void lk_scheme_labels_release(lk_scheme_labels *labels) {
  free(labels->of);
  *labels = (lk_scheme_labels){0};
}

static lk_tag tag_of(const lk_tagset *set, int32_t label) {
  if (label == UNSEEN + 1) return outside;
  return plain(set->tag[label >= 0 ? label : set->count + UNSEEN - label]);
}

void lk_scheme_relabel(const lk_scheme_labels *labels, int32_t *label, ptrdiff_t n, lk_scheme scheme) {
  const lk_tagset *set = labels->set;
  lk_tag before = outside, here = n > 0 ? tag_of(set, label[0]) : outside;
  for (ptrdiff_t i = 0; i < n; i++) {
    const lk_tag after = i + 1 < n ? tag_of(set, label[i + 1]) : outside;
    if (here.prefix != 'O') {
      const char to = letter(scheme, before, here, after);
      const int32_t found = labels->of[here.type * LETTERS + (strchr(letters, to) - letters)];
      const bool suits = found >= 0 || (found != NONE && label[i] < 0); /* an answer is a label of training */
      if (suits && to != here.prefix) label[i] = found;
    }
    before = here;
    here = after;
  }
}
