#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_impl.h"
#include "optimizer.h"
#include "reduction.h"
#include "distinct.h"
#include "input_layer.h"

/* ---- vocabularies and labels, in place of a corpus ---- */

static lk_status name_all(lk_strings *strings, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) {
    char name[32];
    int size = snprintf(name, sizeof name, "w%td", i);
    LK_TRY(lk_strings_add(strings, name, (size_t)size, 1));
  }
  return LK_OK;
}

static int reads_characters(const bench_net *net) { return strcmp(net->config.model.characters, "none") != 0; }

/* Words of random letters, a rare one longer than a frequent one, as in English: 2 letters to 9. */
static lk_status spell_words(bench_net *net) {
  const lk_rng rng = lk_rng_make(1, LK_PURPOSE_SAMPLE);
  lk_vocab *letters = NULL;
  lk_status status;
  LK_GO(lk_vocab_create(&letters, true));
  LK_GO(lk_spelling_count(letters, "abcdefghijklmnopqrstuvwxyz", 26));
  for (ptrdiff_t k = 0; k < net->kind->vocabulary; k++) {
    char word[16];
    const size_t size = 1 + (size_t)(0.6 * log2((double)k + 4));
    for (size_t i = 0; i < size; i++) word[i] = (char)('a' + lk_rng_uniform(rng, (uint32_t)k, (uint32_t)i, 3, 0) * 26);
    LK_GO(lk_speller_add(&net->speller, letters, word, size));
  }
  net->info.columns = 1;
  net->info.column[0] = (lk_corpus_column){.name = LK_FORMS, .width = 1, .forms = true};
  status = lk_strings_copy(&net->info.character, lk_vocab_strings(letters));
done:
  lk_vocab_destroy(&letters);
  return status;
}

/* Vectors of 100 numbers; one word in ten has none. */
static lk_status give_vectors(bench_net *net) {
  enum { WIDTH = 100, WITHOUT = 10 };
  const lk_rng rng = lk_rng_make(1, LK_PURPOSE_SAMPLE);
  const ptrdiff_t V = net->kind->vocabulary, rows = V + LK_VECTOR_FIRST;
  float *values = NULL;
  int32_t *row_of = NULL;
  LK_TRY(lk_alloc(&values, (size_t)(rows * WIDTH), sizeof *values));
  net->info.vectors = (lk_vectors){.rows = rows, .width = WIDTH, .values = values};
  LK_TRY(lk_alloc(&row_of, (size_t)V, sizeof *row_of));
  net->info.vectors.row_of = row_of;
  for (ptrdiff_t i = 0; i < V; i++) {
    row_of[i] = i % WITHOUT == WITHOUT - 1 ? LK_VECTOR_MISSING : (int32_t)(LK_VECTOR_FIRST + i);
    for (ptrdiff_t k = 0; k < WIDTH; k++)
      values[(LK_VECTOR_FIRST + i) * WIDTH + k] = (float)lk_rng_uniform(rng, (uint32_t)i, (uint32_t)k, 4, 0) - 0.5F;
  }
  return LK_OK;
}

static lk_status describe(bench_net *net) {
  const bench_kind *kind = net->kind;
  LK_TRY(lk_config_init(&net->config));
  for (const char *const *s = kind->settings; *s; s++) LK_TRY(lk_config_override(&net->config, *s));
  net->info.kind = kind->corpus;
  net->info.stream = kind->stream;
  (void)snprintf(net->info.unit, sizeof net->info.unit, "word");
  LK_TRY(name_all(&net->info.source, kind->vocabulary));
  if (reads_characters(net)) LK_TRY(spell_words(net));
  if (lk_input_vectors(&net->config) != LK_VECTORS_UNREAD) LK_TRY(give_vectors(net));
  return name_all(&net->info.label, kind->labels);
}

/* ---- a batch: sequence q of the global batch goes to shard q mod S, as in the loader ---- */

static ptrdiff_t length_of(const bench_kind *kind, ptrdiff_t q) {
  if (kind->batch < 2) return kind->longest;
  return kind->longest -
         q * (kind->longest - kind->shortest) / (kind->batch - 1); /* longest first, as batches are sorted */
}

/* B sequences on this rank, N rows in all of them, T the length of the longest. */
static void count(const bench_net *net, ptrdiff_t *B, ptrdiff_t *N, ptrdiff_t *T) {
  *B = *N = *T = 0;
  for (ptrdiff_t q = 0; q < net->kind->batch; q++) {
    ptrdiff_t s = q % net->shards.total - net->shards.first, length = length_of(net->kind, q);
    if (s < 0 || s >= net->shards.count) continue;
    ++*B;
    *N += length;
    if (length > *T) *T = length;
  }
}

static void fill_pack(bench_net *net) {
  lk_pack *pack = &net->batch.pack;
  ptrdiff_t b = 0;
  for (int s = 0; s < net->shards.count; s++) {
    pack->shard_seq[s] = b;
    for (ptrdiff_t q = net->shards.first + s; q < net->kind->batch; q += net->shards.total, b++) {
      pack->length[b] = (int32_t)length_of(net->kind, q);
      pack->id[b] = (uint32_t)q;
    }
  }
  pack->shard_seq[net->shards.count] = b;
  lk_pack_fill(pack);
}

/* Words with frequencies like those of a text: the k-th most frequent of V about proportional to 1 / k. */
static int32_t draw(lk_rng rng, uint32_t a, uint32_t b, uint32_t what, ptrdiff_t V) {
  double u = lk_rng_uniform(rng, a, b, what, 0), x = 1;
  for (int i = 0; i < 3; i++) x *= u; /* the cube of a uniform number is close to that and cheap */
  return (int32_t)((double)V * x);
}

static void fill_batch(bench_net *net) {
  lk_batch *batch = &net->batch;
  const lk_pack *pack = &batch->pack;
  lk_rng rng = lk_rng_make(1, LK_PURPOSE_SAMPLE);
  int sequences = lk_task_view(net->task) == LK_VIEW_CLASSIFY;
  ptrdiff_t outputs = net->kind->labels > 0 ? net->kind->labels : net->kind->vocabulary;
  for (ptrdiff_t r = 0; r < pack->N; r++) {
    uint32_t id = pack->id[pack->seq[r]], time = (uint32_t)pack->time[r];
    lk_batch_ids(batch)[r] = draw(rng, id, time, 1, net->kind->vocabulary);
    if (!sequences) batch->target[r] = draw(rng, id, time, 2, outputs);
  }
  for (ptrdiff_t b = 0; b < pack->B; b++) {
    if (sequences) batch->target[b] = draw(rng, pack->id[b], 0, 2, outputs);
    batch->lane[b] = (int32_t)b;
  }
  batch->tokens = pack->N;
}

static void layout(bench_net *net, ptrdiff_t B, ptrdiff_t N, ptrdiff_t T) {
  lk_arena *a = &net->arena;
  lk_pack_layout(&net->batch.pack, a, &net->shards, B, N, T);
  net->batch.input = (lk_inputs){.count = 1, .column = {{.name = "source", .ids = lk_arena_ints(a, N)}}};
  if (reads_characters(net))
    net->batch.input.column[net->batch.input.count++] =
        (lk_column){.name = LK_FORMS, .ids = net->batch.input.column[0].ids, .spelling = &net->speller.spelling};
  net->batch.target = lk_arena_ints(a, N);
  net->batch.lane = lk_arena_ints(a, B);
  net->lanes = lk_task_lane_width(net->task) > 0 ? lk_arena_reals(a, B * lk_task_lane_width(net->task)) : NULL;
  net->stat = lk_arena_take(a, sizeof *net->stat * (size_t)net->shards.count);
  net->all = lk_arena_take(a, sizeof *net->all * (size_t)net->shards.total);
}

static lk_status make_batch(bench_net *net) {
  ptrdiff_t B, N, T;
  count(net, &B, &N, &T);
  LK_TRY(lk_task_reserve(net->task, B, N, T, 1));
  layout(net, B, N, T);
  LK_TRY(lk_arena_reserve(&net->arena));
  layout(net, B, N, T);
  fill_pack(net);
  fill_batch(net);
  return LK_OK;
}

/* ---- parameters, gradients and optimizer, set up as in the trainer ---- */

static lk_status open_replicas(bench_net *net, const bench *b) {
  enum { BLOCKS = 8 };
  lk_row_block block[BLOCKS];
  lk_replicas_spec spec = {.P = lk_params_count(net->params), .blocks = block};
  spec.sparse_update = lk_optimizer_skips_untouched(&net->config);
  spec.packed_bytes = lk_task_weights(net->task);
  spec.block_count = lk_params_row_blocks(net->params, block, BLOCKS);
  LK_ASSERT(spec.block_count <= BLOCKS);
  spec.rank_bytes = lk_reduction_bytes(&spec, &net->shards);
  spec.gathered_bytes = (size_t)net->shards.total * sizeof *net->all;
  LK_TRY(lk_replicas_create(&net->replicas, b->comm, &spec));
  return lk_reduction_create(&net->reduction, net->replicas, net->shards.total);
}

static lk_status commit(bench_net *net) {
  const lk_part part = lk_replicas_part(net->replicas);
  LK_TRY(lk_params_commit_at(net->params, 1, lk_replicas_values(net->replicas), part));
  lk_task_weights_at(net->task, lk_replicas_packed(net->replicas), part);
  net->grads = (lk_grads){.shards = &net->shards, .params = net->params};
  for (int p = 0; p < net->shards.subtrees; p++) {
    net->grads.subtree[p] = lk_reduction_gradient(net->reduction, p);
    net->grads.touched[p] = lk_reduction_marks(net->reduction, p);
  }
  LK_TRY(lk_optimizer_create(&net->optimizer, &net->config, net->params, lk_replicas_own(net->replicas)));
  return make_batch(net);
}

/* The number of distinct words, summed over this rank's shards (the rows of the input products of layer 0), and of their
 * characters. */
static lk_status count_words(const bench_net *net, double *words, double *characters) {
  lk_arena arena = {0};
  lk_distinct found = {0};
  lk_distinct_layout(&found, &arena, net->kind->vocabulary, net->batch.pack.N);
  LK_TRY(lk_arena_reserve(&arena));
  lk_distinct_layout(&found, &arena, net->kind->vocabulary, net->batch.pack.N);
  lk_distinct_find(&found, &net->batch.pack, lk_batch_ids(&net->batch));
  *words = (double)found.n;
  for (ptrdiff_t i = 0; i < found.n && reads_characters(net); i++)
    *characters += (double)(net->speller.begin[found.id[i] + 1] - net->speller.begin[found.id[i]]);
  lk_arena_release(&arena);
  return LK_OK;
}

/* 6 flops for each weight and row that is multiplied, over all matrices but embedding tables. The rows of layer 0's input
 * product are distinct words (if it reads nothing else), those of the output layer predictions (one a sequence for a
 * classifier), those of recurrent weights that read characters the characters of distinct words, all others tokens;
 * products of distinct characters are too few to count. */
static lk_status count_work(bench_net *net, const bench *b) {
  double tokens = 0, rows[2] = {0}, units = (double)net->kind->batch;
  LK_TRY(lk_comm_agree(b->comm, count_words(net, &rows[0], &rows[1])));
  LK_TRY(bench_mean(b, rows, 2));
  for (ptrdiff_t q = 0; q < net->kind->batch; q++) tokens += (double)length_of(net->kind, q);
  if (lk_task_view(net->task) != LK_VIEW_CLASSIFY) units = tokens;
  net->flops = 0;
  for (int i = 0; i < lk_params_tensors(net->params); i++) {
    const lk_param *p = lk_params_at(net->params, i);
    if (p->dims < 2 || strncmp(p->name, "embedding", 9) == 0 || strncmp(p->name, "vectors", 7) == 0) continue;
    const int head = strncmp(p->name, "output", 6) == 0;
    const int input = !reads_characters(net) && net->info.vectors.rows == 0 && strncmp(p->name, "rnn.0.", 6) == 0 &&
                      strstr(p->name, "weight_ih");
    const int spells = strncmp(p->name, "characters.", 11) == 0;
    if (spells && !strstr(p->name, "weight_hh")) continue;
    net->flops += 6 * (double)p->count *
                  (head     ? units
                   : input  ? rows[0] * b->size
                   : spells ? rows[1] * b->size
                            : tokens);
  }
  net->tokens = (ptrdiff_t)tokens;
  return LK_OK;
}

lk_status bench_net_open(bench_net *net, const bench *b, const bench_kind *kind) {
  *net = (bench_net){.kind = kind, .shards = lk_shards_make(b->shards, b->rank, b->size)};
  LK_TRY(lk_comm_agree(b->comm, describe(net)));
  LK_TRY(lk_comm_agree(b->comm, lk_params_create(&net->params)));
  LK_TRY(lk_comm_agree(b->comm, lk_task_create(&net->task, &net->config, &net->info, net->params)));
  LK_TRY(open_replicas(net, b));
  LK_TRY(lk_comm_agree(b->comm, commit(net)));
  LK_TRY(lk_replicas_meet(net->replicas));
  lk_task_pack(net->task, net->params);
  LK_TRY(lk_replicas_meet(net->replicas));
  return count_work(net, b);
}

void bench_net_close(bench_net *net) {
  lk_optimizer_destroy(&net->optimizer);
  lk_task_destroy(&net->task);
  lk_params_destroy(&net->params);
  lk_reduction_destroy(&net->reduction);
  lk_replicas_destroy(&net->replicas);
  lk_arena_release(&net->arena);
  lk_strings_release(&net->info.source);
  lk_strings_release(&net->info.label);
  lk_strings_release(&net->info.character);
  free((void *)net->info.vectors.values);
  free((void *)net->info.vectors.row_of);
  lk_speller_release(&net->speller);
  lk_config_release(&net->config);
}
