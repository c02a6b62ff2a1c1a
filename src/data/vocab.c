#include "lockstep/vocab.h"

#include <stdlib.h>
#include <string.h>

#include "lockstep/arena.h"

static const char *const special_names[LK_SPECIALS] = {"<pad>", "<sos>", "<eos>", "<unk>"};

/* Open addressing over the strings: slot[] holds id + 1, 0 where free; at most half of the slots are taken. */
struct lk_vocab {
  lk_strings strings;
  bool specials;
  uint32_t *slot, *hash; /* [slots] hash: of the string in the slot, to skip most comparisons */
  size_t slots;          /* a power of two */
  int32_t ascii[128];    /* id + 1 of one-byte units: characters are looked up without hashing */
};

/* FNV-1a, its high bits folded in. */
static uint32_t hash_of(const char *text, size_t size) {
  uint64_t h = 14695981039346656037u;
  for (size_t i = 0; i < size; i++) h = (h ^ (unsigned char)text[i]) * 1099511628211u;
  return (uint32_t)(h ^ h >> 32);
}

/* The slot of the string, or the free one where it belongs. */
static size_t slot_of(const lk_vocab *vocab, const char *text, size_t size, uint32_t hash) {
  size_t at = hash & (vocab->slots - 1);
  for (; vocab->slot[at]; at = (at + 1) & (vocab->slots - 1)) {
    if (vocab->hash[at] != hash) continue;
    ptrdiff_t id = (ptrdiff_t)vocab->slot[at] - 1;
    if (lk_strings_size(&vocab->strings, id) == size && !memcmp(lk_strings_get(&vocab->strings, id), text, size))
      return at;
  }
  return at;
}

static lk_status resize(lk_vocab *vocab, size_t slots) {
  uint32_t *slot = NULL, *hash = NULL;
  LK_TRY(lk_alloc(&slot, slots, sizeof *slot));
  lk_status status = lk_alloc(&hash, slots, sizeof *hash);
  if (status != LK_OK) {
    free(slot);
    return status;
  }
  for (size_t old = 0; old < vocab->slots; old++) {
    if (!vocab->slot[old]) continue;
    size_t at = vocab->hash[old] & (slots - 1);
    while (slot[at]) at = (at + 1) & (slots - 1);
    slot[at] = vocab->slot[old];
    hash[at] = vocab->hash[old];
  }
  free(vocab->slot);
  free(vocab->hash);
  vocab->slot = slot;
  vocab->hash = hash;
  vocab->slots = slots;
  return LK_OK;
}

static lk_status insert(lk_vocab *vocab, const char *text, size_t size, uint32_t hash, int64_t number) {
  if (vocab->strings.count >= INT32_MAX) return LK_FAIL(LK_DATA, "more than %d different units", INT32_MAX);
  if (2 * ((size_t)vocab->strings.count + 1) > vocab->slots) LK_TRY(resize(vocab, 2 * vocab->slots));
  LK_TRY(lk_strings_add(&vocab->strings, text, size, number));
  const size_t at = slot_of(vocab, text, size, hash);
  LK_ASSERT(vocab->slot[at] == 0);
  vocab->slot[at] = (uint32_t)vocab->strings.count;
  vocab->hash[at] = hash;
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
  for (int i = 0; specials && i < LK_SPECIALS; i++) {
    const size_t size = strlen(special_names[i]);
    LK_GO(insert(made, special_names[i], size, hash_of(special_names[i], size), 0));
  }
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
    const uint32_t hash = hash_of(text, size);
    if (made->slot[slot_of(made, text, size, hash)]) {
      char quoted[256];
      LK_GO(LK_FAIL(LK_DATA, "vocabulary: %s is there twice, again at %td", lk_quote(quoted, text, size), i));
    }
    LK_GO(insert(made, text, size, hash, strings->number ? strings->number[i] : 0));
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
  free(v->hash);
  free(v);
  *vocab = NULL;
}

lk_status lk_vocab_count(lk_vocab *vocab, const char *text, size_t size) {
  const unsigned char byte = size == 1 ? (unsigned char)text[0] : 255;
  if (byte < 128 && vocab->ascii[byte]) {
    vocab->strings.number[vocab->ascii[byte] - 1]++;
    return LK_OK;
  }
  const uint32_t hash = hash_of(text, size);
  const size_t at = slot_of(vocab, text, size, hash);
  if (vocab->slot[at] == 0) return insert(vocab, text, size, hash, 1);
  vocab->strings.number[vocab->slot[at] - 1]++;
  return LK_OK;
}

/* What is sorted when the vocabulary is settled. */
typedef struct counted {
  const char *text;
  size_t size;
  int64_t number;
} counted;

/* Falling count; equals by their bytes, which in UTF-8 is the order of code points. */
static int by_count(const void *a, const void *b) {
  const counted *x = a, *y = b;
  if (x->number != y->number) return x->number < y->number ? 1 : -1;
  const int order = memcmp(x->text, y->text, x->size < y->size ? x->size : y->size);
  if (order != 0) return order;
  return x->size < y->size ? -1 : x->size > y->size;
}

/* The specials as they are, then the units kept, into `settled`; what is left out counts for <unk>. */
static lk_status renumber(const lk_vocab *vocab, lk_vocab *settled, counted *units, ptrdiff_t most, int64_t least) {
  const lk_strings *all = &vocab->strings;
  const ptrdiff_t first = vocab->specials ? LK_SPECIALS : 0, count = all->count - first;
  for (ptrdiff_t i = 0; i < first; i++) settled->strings.number[i] = all->number[i];
  for (ptrdiff_t i = 0; i < count; i++)
    units[i] = (counted){lk_strings_get(all, first + i), lk_strings_size(all, first + i), all->number[first + i]};
  qsort(units, (size_t)count, sizeof *units, by_count);
  for (ptrdiff_t i = 0; i < count; i++) {
    if ((most > 0 && i >= most) || units[i].number < least) {
      if (vocab->specials) settled->strings.number[LK_UNK] += units[i].number;
    } else {
      LK_TRY(insert(settled, units[i].text, units[i].size, hash_of(units[i].text, units[i].size), units[i].number));
    }
  }
  return LK_OK;
}

lk_status lk_vocab_settle(lk_vocab *vocab, ptrdiff_t most, int64_t least) {
  lk_status status;
  lk_vocab *settled = NULL;
  counted *units = NULL;
  LK_GO(lk_vocab_create(&settled, vocab->specials));
  LK_GO(lk_alloc(&units, (size_t)vocab->strings.count, sizeof *units));
  LK_GO(renumber(vocab, settled, units, most, least));
  const lk_vocab swap = *vocab;
  *vocab = *settled;
  *settled = swap;
done:
  free(units);
  lk_vocab_destroy(&settled);
  return status;
}

int32_t lk_vocab_find(const lk_vocab *vocab, const char *text, size_t size, int32_t missing) {
  if (size == 1 && (unsigned char)text[0] < 128) {
    const int32_t found = vocab->ascii[(unsigned char)text[0]];
    return found ? found - 1 : missing;
  }
  const uint32_t found = vocab->slot[slot_of(vocab, text, size, hash_of(text, size))];
  return found ? (int32_t)(found - 1) : missing;
}

const lk_strings *lk_vocab_strings(const lk_vocab *vocab) { return &vocab->strings; }

ptrdiff_t lk_vocab_size(const lk_vocab *vocab) { return vocab->strings.count; }

lk_status lk_vocab_encode(const lk_vocab *vocab, lk_unit unit, const char *text, size_t size, int32_t **ids,
                          ptrdiff_t *count, size_t *capacity) {
  const char *start;
  size_t at = 0, length;
  LK_TRY(lk_grow(ids, capacity, (size_t)*count + size, sizeof **ids)); /* a unit has at least one byte */
  int32_t *out = *ids + *count;
  while (lk_unit_next(unit, text, size, &at, &start, &length)) {
    const int32_t id = lk_vocab_find(vocab, start, length, LK_UNK);
    *out++ = id < LK_EOS ? LK_UNK : id; /* a text that spells out <pad> or <sos> */
  }
  *count = out - *ids;
  return LK_OK;
}
