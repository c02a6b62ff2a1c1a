#include <string.h>

#include "word_column.h"

lk_status lk_word_lookup_fold(lk_word_lookup *lookup, const char *text, size_t size) {
  lk_buffer_truncate(&lookup->folded, 0);
  return lk_utf8_fold(&lookup->folded, text, size, (lk_folding){.nfc = lookup->info->nfc});
}

lk_status lk_word_lookup_begin(lk_word_lookup *lookup) {
  lk_vocab_destroy(&lookup->forms);
  LK_TRY(lk_vocab_create(&lookup->forms, false));
  return lk_vocab_count(lookup->forms, LK_FORM_NONE, strlen(LK_FORM_NONE));
}

void lk_word_lookup_release(lk_word_lookup *lookup) {
  lk_vocab_destroy(&lookup->forms);
  lk_buffer_release(&lookup->folded);
  lk_buffer_release(&lookup->other);
}
