/* config_words.c - the arguments [CONFIG.yaml] [KEY=VALUE ...], which several commands take. */
#include <stdlib.h>

#include "cli_impl.h"

error_t lk_cli_take_words(int key, const struct argp_state *state, lk_cli_words *words) {
  if (key != ARGP_KEY_ARGS) return ARGP_ERR_UNKNOWN; /* for ARGP_KEY_ARG too: argp then passes all as ARGP_KEY_ARGS */
  words->word = state->argv + state->next;
  words->count = state->argc - state->next;
  return 0;
}

/* The text of the file that the first word names, on all ranks; *first: 1 where there is one. Freed by the caller. */
static lk_status read_file(const lk_cli_words *words, lk_comm *comm, int *first, void **text, size_t *size) {
  lk_status status = LK_OK;
  lk_buffer file = {0};
  if (!comm || lk_comm_rank(comm) == 0) {
    *first = words->count > 0 && !lk_cli_is_assignment(words->word[0]);
    if (*first) status = lk_buffer_read_file(&file, words->word[0]);
    *text = file.data, *size = file.size;
  }
  if (!comm) return status;
  LK_TRY(lk_comm_agree(comm, status));
  LK_TRY(lk_comm_broadcast(comm, first, sizeof *first, 0));
  return lk_comm_broadcast_block(comm, text, size, 0);
}

lk_status lk_cli_expect_config(const char *name, const lk_cli_words *words, lk_comm *comm) {
  lk_status status = LK_OK;
  if (words->count == 0)
    return LK_FAIL(LK_USAGE, "%s: expected a configuration file; '%s --help' has an example", name, name);
  /* decided by rank 0: whether a file of the name of a setting exists may differ between hosts */
  if (lk_comm_rank(comm) == 0 && lk_cli_is_assignment(words->word[0]))
    status = LK_FAIL(LK_USAGE, "%s: expected a configuration file before '%.64s'", name, words->word[0]);
  return lk_comm_agree(comm, status);
}

lk_status lk_cli_read_config(lk_config *config, const lk_cli_words *words, lk_comm *comm) {
  lk_status status = LK_OK;
  void *text = NULL;
  size_t size = 0;
  int first = 0;
  LK_GO(read_file(words, comm, &first, &text, &size));
  LK_GO(lk_config_init(config));
  if (first) LK_GO(lk_config_parse(config, text ? text : "", size, words->word[0]));
  for (int i = first; i < words->count; i++) LK_GO(lk_config_override(config, words->word[i]));
done:
  free(text);
  return status;
}
