#include "vocab.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"

static const char *const special_names[LK_SPECIALS] = {"<pad>", "<sos>", "<eos>", "<unk>"};

/* A string in the hash table. Strings of up to eight bytes, which most words are, are identified by key and size
 * alone. */
typedef struct entry {
  uint64_t key;  /* the first bytes */
  uint32_t size; /* in bytes */
  uint32_t id;   /* id + 1; 0 if the slot is free */
} entry;

/* Hash table with open addressing; at most half of the slots are used. */
struct lk_vocab {
  lk_strings strings;
  bool specials;
  entry *slot;
  size_t slots;       /* a power of two */
  int32_t ascii[128]; /* id + 1 of one-byte units: characters are looked up without hashing */
};

/* Id of a one-byte character; -1 if it is not in the vocabulary. */
static inline int32_t id_of_ascii(const lk_vocab *vocab, char byte) {
  return (unsigned char)byte < 128 ? vocab->ascii[(unsigned char)byte] - 1 : -1;
}

static inline uint64_t load(const char *text, size_t bytes) {
  uint64_t word = 0;
  memcpy(&word, text, bytes);
  return word;
}

/* Up to eight bytes: all of the string, given its size; longer: the first eight bytes. */
static inline uint64_t key_of(const char *text, size_t size) {
  const unsigned char *c = (const unsigned char *)text;
  if (size >= 8) return load(text, 8);
  if (size >= 4) return load(text, 4) | load(text + size - 4, 4) << 32;
  return size == 0 ? 0 : (uint64_t)(c[0] | (unsigned)c[size / 2] << 8 | (unsigned)c[size - 1] << 16);
}

/* Multiply and fold, eight bytes at a time; the last eight bytes may overlap the previous ones. The hash affects
 * only positions in memory, not ids. */
static inline uint64_t hash_of(uint64_t key, const char *text, size_t size) {
  uint64_t h = (key ^ size) * 0x9e3779b97f4a7c15u;
  for (size_t at = 8; at < size; at += 8) {
    h ^= h >> 29;
    h = (h ^ load(text + (at + 8 < size ? at : size - 8), 8)) * 0xbf58476d1ce4e5b9u;
  }
  return h ^ h >> 32;
}

static inline bool is_entry(const lk_vocab *vocab, const entry *e, uint64_t key, const char *text, size_t size) {
  if (e->key != key || e->size != size) return false;
  return size <= 8 || memcmp(lk_strings_get(&vocab->strings, (ptrdiff_t)e->id - 1), text, size) == 0;
}

/* The slot of the string, or the free slot where it would be inserted. */
static inline entry *slot_of(const lk_vocab *vocab, const char *text, size_t size) {
  const uint64_t key = key_of(text, size);
  size_t at = hash_of(key, text, size) & (vocab->slots - 1);
  while (vocab->slot[at].id && !is_entry(vocab, &vocab->slot[at], key, text, size)) at = (at + 1) & (vocab->slots - 1);
  return &vocab->slot[at];
}

static lk_status resize(lk_vocab *vocab, size_t slots) {
  entry *slot = NULL;
  LK_TRY(lk_alloc(&slot, slots, sizeof *slot));
  for (size_t old = 0; old < vocab->slots; old++) {
    const entry *e = &vocab->slot[old];
    if (!e->id) continue;
    size_t at = hash_of(e->key, lk_strings_get(&vocab->strings, (ptrdiff_t)e->id - 1), e->size) & (slots - 1);
    while (slot[at].id) at = (at + 1) & (slots - 1);
    slot[at] = *e;
  }
  free(vocab->slot);
  vocab->slot = slot;
  vocab->slots = slots;
  return LK_OK;
}

static lk_status insert(lk_vocab *vocab, const char *text, size_t size, int64_t number) {
  if (vocab->strings.count >= INT32_MAX) return LK_FAIL(LK_DATA, "more than %d different units", INT32_MAX);
  if (size > UINT32_MAX) return LK_FAIL(LK_DATA, "a unit of %zu bytes", size);
  if (2 * ((size_t)vocab->strings.count + 1) > vocab->slots) LK_TRY(resize(vocab, 2 * vocab->slots));
  entry *slot = slot_of(vocab, text, size);
  LK_ASSERT(slot->id == 0);
  LK_TRY(lk_strings_add(&vocab->strings, text, size, number));
  *slot = (entry){.key = key_of(text, size), .size = (uint32_t)size, .id = (uint32_t)vocab->strings.count};
  const unsigned char byte = size == 1 ? (unsigned char)text[0] : 255;
  if (byte < 128) vocab->ascii[byte] = (int32_t)vocab->strings.count;
  return LK_OK;
}

static lk_status create(lk_vocab **vocab, bool specials) {
  lk_vocab *made = NULL;
  LK_TRY(lk_alloc(&made, 1, sizeof *made));
  made->specials = specials;
  lk_status status = resize(made, 1024);
  if (status != LK_OK)
    lk_vocab_destroy(&made);
  else
    *vocab = made;
  return status;
}

lk_status lk_vocab_create(lk_vocab **vocab, bool specials) {
  lk_status status;
  lk_vocab *made = NULL;
  LK_TRY(create(&made, specials));
  for (int i = 0; specials && i < LK_SPECIALS; i++) LK_GO(insert(made, special_names[i], strlen(special_names[i]), 0));
  *vocab = made;
  return LK_OK;
done:
  lk_vocab_destroy(&made);
  return status;
}

lk_status lk_vocab_from(lk_vocab **vocab, const lk_strings *strings, bool specials) {
  lk_status status;
  lk_vocab *made = NULL;
  LK_TRY(create(&made, specials));
  for (int i = 0; specials && i < LK_SPECIALS; i++)
    if (i >= strings->count || strcmp(lk_strings_get(strings, i), special_names[i]) != 0)
      LK_GO(LK_FAIL(LK_DATA, "vocabulary: entry %d is not %s", i, special_names[i]));
  for (ptrdiff_t i = 0; i < strings->count; i++) {
    const char *text = lk_strings_get(strings, i);
    const size_t size = lk_strings_size(strings, i);
    if (slot_of(made, text, size)->id) {
      char quoted[256];
      LK_GO(LK_FAIL(LK_DATA, "vocabulary: %s is there twice, again at %td", lk_quote(quoted, text, size), i));
    }
    LK_GO(insert(made, text, size, strings->number ? strings->number[i] : 0));
  }
  *vocab = made;
  return LK_OK;
done:
  lk_vocab_destroy(&made);
  return status;
}

void lk_vocab_destroy(lk_vocab **vocab) {
  lk_vocab *v = *vocab;
  if (!v) return;
  lk_strings_release(&v->strings);
  free(v->slot);
  free(v);
  *vocab = NULL;
}

lk_status lk_vocab_count(lk_vocab *vocab, const char *text, size_t size) {
  const int32_t id = size == 1 ? id_of_ascii(vocab, text[0]) : -1;
  if (id >= 0) {
    vocab->strings.number[id]++;
    return LK_OK;
  }
  const entry *slot = slot_of(vocab, text, size);
  if (!slot->id) return insert(vocab, text, size, 1);
  vocab->strings.number[slot->id - 1]++;
  return LK_OK;
}

lk_status lk_vocab_count_times(lk_vocab *vocab, const char *text, size_t size, int64_t times) {
  LK_TRY(lk_vocab_count(vocab, text, size));
  vocab->strings.number[lk_vocab_find(vocab, text, size, 0)] += times - 1;
  return LK_OK;
}

lk_status lk_vocab_count_text(lk_vocab *vocab, lk_unit unit, const char *text, size_t size) {
  const char *start;
  size_t at = 0, length;
  for (;;) {
    /* fast path: nearly all characters of many texts */
    while (unit == LK_CHAR && at < size && id_of_ascii(vocab, text[at]) >= 0)
      vocab->strings.number[id_of_ascii(vocab, text[at++])]++;
    if (!lk_unit_next(unit, text, size, &at, &start, &length)) return LK_OK;
    LK_TRY(lk_vocab_count(vocab, start, length));
  }
}

/* Sort record, used when the vocabulary is finished. */
typedef struct counted {
  const char *text;
  size_t size;
  int64_t number;
} counted;

/* By falling count; ties by bytes, which in UTF-8 is the order of code points. */
static int by_count(const void *a, const void *b) {
  const counted *x = a, *y = b;
  if (x->number != y->number) return x->number < y->number ? 1 : -1;
  const int order = memcmp(x->text, y->text, x->size < y->size ? x->size : y->size);
  if (order != 0) return order;
  return x->size < y->size ? -1 : x->size > y->size;
}

/* Insert the special units, then the units that are kept, into `finished`; the counts of the others are added to
 * <unk>. */
static lk_status renumber(const lk_vocab *vocab, lk_vocab *finished, counted *units, ptrdiff_t most, int64_t least) {
  const lk_strings *all = &vocab->strings;
  const ptrdiff_t first = vocab->specials ? LK_SPECIALS : 0, count = all->count - first;
  for (ptrdiff_t i = 0; i < first; i++) finished->strings.number[i] = all->number[i];
  for (ptrdiff_t i = 0; i < count; i++)
    units[i] = (counted){lk_strings_get(all, first + i), lk_strings_size(all, first + i), all->number[first + i]};
  qsort(units, (size_t)count, sizeof *units, by_count);
  for (ptrdiff_t i = 0; i < count; i++) {
    if ((most > 0 && i >= most) || units[i].number < least) {
      if (vocab->specials) finished->strings.number[LK_UNK] += units[i].number;
    } else {
      LK_TRY(insert(finished, units[i].text, units[i].size, units[i].number));
    }
  }
  return LK_OK;
}

lk_status lk_vocab_finish(lk_vocab *vocab, ptrdiff_t most, int64_t least) {
  lk_status status;
  lk_vocab *finished = NULL;
  counted *units = NULL;
  LK_GO(lk_vocab_create(&finished, vocab->specials));
  LK_GO(lk_alloc(&units, (size_t)vocab->strings.count, sizeof *units));
  LK_GO(renumber(vocab, finished, units, most, least));
  const lk_vocab swap = *vocab;
  *vocab = *finished;
  *finished = swap;
done:
  free(units);
  lk_vocab_destroy(&finished);
  return status;
}

int32_t lk_vocab_find(const lk_vocab *vocab, const char *text, size_t size, int32_t missing) {
  if (size == 1 && (unsigned char)text[0] < 128) {
    const int32_t id = id_of_ascii(vocab, text[0]);
    return id >= 0 ? id : missing;
  }
  const uint32_t found = slot_of(vocab, text, size)->id;
  return found ? (int32_t)(found - 1) : missing;
}

const lk_strings *lk_vocab_strings(const lk_vocab *vocab) { return &vocab->strings; }

ptrdiff_t lk_vocab_size(const lk_vocab *vocab) { return vocab->strings.count; }

lk_status lk_vocab_encode(const lk_vocab *vocab, lk_unit unit, const char *text, size_t size, int32_t **ids,
                          ptrdiff_t *count, size_t *capacity) {
  const char *start;
  size_t at = 0, length;
  if (size == 0) return LK_OK;                                         /* *ids may still be NULL */
  LK_TRY(lk_grow(ids, capacity, (size_t)*count + size, sizeof **ids)); /* a unit has at least one byte */
  int32_t *out = *ids + *count;
  for (;;) {
    while (unit == LK_CHAR && at < size && id_of_ascii(vocab, text[at]) >= 0) *out++ = id_of_ascii(vocab, text[at++]);
    if (!lk_unit_next(unit, text, size, &at, &start, &length)) break;
    const int32_t id = lk_vocab_find(vocab, start, length, LK_UNK);
    *out++ = id < LK_EOS ? LK_UNK : id; /* the text contains <pad> or <sos> literally */
  }
  *count = out - *ids;
  return LK_OK;
}
