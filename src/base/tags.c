#include "tags.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

/* The forms of tags; the first is taken if several match equally many labels. */
typedef struct layout {
  char separator; /* '\0': a letter alone, without a type */
  bool behind;    /* the letter is after the type */
} layout;

static const layout layouts[] = {{'-', false}, {'_', false}, {'-', true}, {'_', true},  {':', false},
                                 {'/', false}, {':', true},  {'/', true}, {'\0', false}};
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

/* A label cut in two; prefix '\0': it does not match. */
typedef struct parts {
  char prefix;
  char letter; /* the letter itself, as a capital */
  const char *type;
  size_t size;
} parts;

static char prefix_of(char letter) {
  switch (letter) {
    case 'B':
      return 'B';
    case 'I':
    case 'M':
      return 'I';
    case 'E':
    case 'L':
      return 'E';
    case 'S':
    case 'U':
    case 'W':
      return 'S';
    default:
      return '\0';
  }
}

static parts make(char letter, const char *type, size_t size) {
  letter = (char)toupper((unsigned char)letter);
  return (parts){.prefix = prefix_of(letter), .letter = letter, .type = type, .size = size};
}

static parts cut(const char *label, size_t size, layout how) {
  const parts none = {0};
  if (size == 1 && toupper((unsigned char)*label) == 'O') return (parts){.prefix = 'O', .letter = 'O'};
  if (how.separator == '\0') return size == 1 ? make(*label, "_", 1) : none;
  if (size < 2) return none;
  if (how.behind) return label[size - 2] == how.separator ? make(label[size - 1], label, size - 2) : none;
  return label[1] == how.separator ? make(label[0], label + 2, size - 2) : none;
}

static parts cut_label(const lk_strings *labels, ptrdiff_t i, layout how) {
  return cut(lk_strings_get(labels, i), lk_strings_size(labels, i), how);
}

#define LETTER(letter) (1u << ((letter) - 'A'))

/* The number of labels that match, and a bit for each letter among them. */
static ptrdiff_t count_fits(const lk_strings *labels, layout how, unsigned *letters) {
  ptrdiff_t fits = 0;
  *letters = 0;
  for (ptrdiff_t i = 0; i < labels->count; i++) {
    const parts p = cut_label(labels, i, how);
    if (p.prefix == '\0') continue;
    *letters |= LETTER(p.letter);
    fits++;
  }
  return fits;
}

/* Single letters may have another meaning (inside, membrane, outside). Without types they mark spans if there are B and
 * a letter that can follow it, or exactly I and O. */
static bool mark_spans(layout how, unsigned letters) {
  const unsigned I = LETTER('I'), O = LETTER('O');
  if (how.separator != '\0') return (letters & ~O) != 0;
  const unsigned follow = I | O | LETTER('M') | LETTER('E') | LETTER('L');
  return ((letters & LETTER('B')) && (letters & follow)) || letters == (I | O);
}

/* The form that most labels match; of several, the first with a letter that begins a span: the tags S-B and S-I have
 * the type S and the letters B and I, and are not two kinds of single words. */
static layout choose(const lk_strings *labels, ptrdiff_t *most, bool *spans) {
  layout best = layouts[0];
  bool best_begins = false;
  *most = -1;
  for (int l = 0; l < LAYOUTS; l++) {
    unsigned letters;
    const ptrdiff_t fits = count_fits(labels, layouts[l], &letters);
    const bool begins = (letters & LETTER('B')) != 0;
    if (fits < *most || (fits == *most && (best_begins || !begins))) continue;
    *most = fits;
    best = layouts[l];
    best_begins = begins;
    *spans = fits == labels->count && mark_spans(layouts[l], letters);
  }
  return best;
}

typedef struct typed {
  const char *type;
  size_t size;
  ptrdiff_t label;
} typed;

static int by_type(const void *a, const void *b) {
  const typed *x = a, *y = b;
  const int order = memcmp(x->type, y->type, x->size < y->size ? x->size : y->size);
  return order ? order : (x->size > y->size) - (x->size < y->size);
}

/* Types numbered in the order of their names. */
static lk_status number_types(lk_tagset *set, typed *list, ptrdiff_t count) {
  qsort(list, (size_t)count, sizeof *list, by_type);
  for (ptrdiff_t i = 0; i < count; i++) {
    if (i == 0 || by_type(&list[i - 1], &list[i]) != 0)
      LK_TRY(lk_strings_add(&set->types, list[i].type, list[i].size, 0));
    set->tag[list[i].label].type = (int32_t)(set->types.count - 1);
  }
  return LK_OK;
}

/* Writes the labels' tags to set->tag[first] ..., and adds new types to the list. The first label that does not match,
 * or -1. */
static ptrdiff_t read_tags(lk_tagset *set, const lk_strings *labels, layout how, ptrdiff_t first, typed *list,
                           ptrdiff_t *listed) {
  ptrdiff_t misfit = -1;
  for (ptrdiff_t i = labels->count - 1; i >= 0; i--) {
    const parts p = cut_label(labels, i, how);
    set->tag[first + i] = (lk_tag){.prefix = p.prefix, .type = -1};
    if (p.prefix == '\0') misfit = i;
    if (p.prefix != '\0' && p.prefix != 'O') list[(*listed)++] = (typed){p.type, p.size, first + i};
  }
  return misfit;
}

static lk_status read_labels(lk_tagset *set, const lk_strings *labels, const lk_strings *unseen, typed *list) {
  const lk_strings nothing = {0};
  const lk_strings *more = unseen ? unseen : &nothing;
  bool spans = false;
  ptrdiff_t listed = 0;
  const layout how = choose(labels, &set->fits, &spans);
  set->separator = how.separator;
  set->behind = how.behind;
  set->spans = spans;
  set->misfit = read_tags(set, labels, how, 0, list, &listed);
  (void)read_tags(set, more, how, set->count, list, &listed);
  LK_TRY(number_types(set, list, listed));
  for (ptrdiff_t i = 0; i < more->count || i == 0; i++)
    if (set->tag[set->count + i].prefix == '\0')
      set->tag[set->count + i] = (lk_tag){.prefix = 'I', .type = (int32_t)set->types.count};
  return LK_OK;
}

enum { BEGIN = 1, INSIDE = 2, END = 4, SINGLE = 8 };

static uint8_t bit_of(char prefix) {
  return prefix == 'B' ? BEGIN : prefix == 'I' ? INSIDE : prefix == 'E' ? END : prefix == 'S' ? SINGLE : 0;
}

/* In IOB1, B stands only where a span follows another of its type: then it is rare beside I. In IOB2 each span has one.
 * So it is with E in IOE1 and IOE2. Where single words have no letter of their own, they are B without E. */
enum { RARE = 8 };

static lk_status note_letters(lk_tagset *set, const lk_strings *labels) {
  int64_t begin = 0, inside = 0, end = 0;
  uint8_t all = 0;
  LK_TRY(lk_alloc(&set->letters, (size_t)set->types.count + 1, sizeof *set->letters));
  for (ptrdiff_t i = 0; i < set->count; i++) {
    const lk_tag tag = set->tag[i];
    const int64_t seen = labels->number ? labels->number[i] : 0;
    if (tag.type < 0) continue;
    set->letters[tag.type] |= bit_of(tag.prefix);
    all |= bit_of(tag.prefix);
    begin += tag.prefix == 'B' ? seen : 0;
    inside += tag.prefix == 'I' ? seen : 0;
    end += tag.prefix == 'E' ? seen : 0;
  }
  set->any_begins = !(all & (END | SINGLE)) && inside / RARE > begin;
  set->any_ends = !(all & (BEGIN | SINGLE)) && inside / RARE > end;
  set->begins_alone = !(all & SINGLE) && begin > end;
  return LK_OK;
}

bool lk_tagset_allows(const lk_tagset *set, ptrdiff_t before, ptrdiff_t after) {
  const lk_tag none = {.prefix = 'O', .type = -1};
  if (set == NULL || !set->spans) return true;
  const lk_tag a = before < 0 ? none : set->tag[before], b = after < 0 ? none : set->tag[after];
  const bool inside = a.prefix == 'B' || a.prefix == 'I', more = b.prefix == 'I' || b.prefix == 'E';
  const bool may_end = set->any_ends || (set->begins_alone && a.prefix == 'B');
  const bool unfinished = inside && !may_end && (set->letters[a.type] & END);
  const bool bound = more && !set->any_begins && (set->letters[b.type] & BEGIN);
  return (!unfinished && !bound) || (inside && more && a.type == b.type);
}

char lk_tagset_cut(const lk_tagset *set, const char *label, size_t label_size, const char **type, size_t *size) {
  const parts p = cut(label, label_size, (layout){.separator = set->separator, .behind = set->behind});
  *type = p.type;
  *size = p.size;
  return p.prefix;
}

lk_status lk_tagset_create(lk_tagset *set, const lk_strings *labels, const lk_strings *unseen) {
  typed *list = NULL;
  lk_status status;
  const size_t room = (size_t)(labels->count + (unseen ? unseen->count : 0)) + 1;
  *set = (lk_tagset){.count = labels->count, .misfit = -1};
  LK_GO(lk_alloc(&set->tag, room, sizeof *set->tag));
  LK_GO(lk_alloc(&list, room, sizeof *list));
  LK_GO(read_labels(set, labels, unseen, list));
  LK_GO(note_letters(set, labels));
done:
  free(list);
  if (status != LK_OK) lk_tagset_release(set);
  return status;
}

void lk_tagset_release(lk_tagset *set) {
  free(set->tag);
  free(set->letters);
  lk_strings_release(&set->types);
  *set = (lk_tagset){0};
}
