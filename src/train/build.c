/* build.c - the parts of a run, made and joined before its first step. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alike.h"
#include "blas.h"
#include "corpus_ranks.h"
#include "durable.h"
#include "hosts.h"
#include "log.h"
#include "path.h"
#include "scaling.h"
#include "sections.h"
#include "input_layer.h"
#include "build_impl.h"
#include "vectors_ranks.h"

static bool shards_follow_ranks(const lk_config *config) { return strcmp(config->parallel.shards, "ranks") == 0; }

/* A run that goes on keeps its S; a configuration that names another one means another run. */
static lk_status keep_shards(const lk_trainer *t, int kept) {
  const char *dir = t->config->run.dir;
  int named = kept;
  if (!shards_follow_ranks(t->config)) LK_TRY(lk_config_shards(t->config, 1, &named));
  if (named != kept) return lk_config_error(t->config, "parallel.shards", LK_OTHER_RUN("%d"), dir, kept, named);
  if (t->size > kept)
    return lk_config_error(t->config, "parallel.shards",
                           "the run in '%s' began with %d shard%s, which %d ranks cannot share", dir, kept,
                           lk_plural(kept), t->size);
  return LK_OK;
}

/* The configuration that the run's folder and its checkpoints record: it gives this run again on any number of ranks
 * and from any working folder, so it has S as a number, and absolute paths. */
static lk_status print_config(lk_trainer *t) {
  t->effective = *t->config;
  (void)snprintf(t->shards_text, sizeof t->shards_text, "%d", t->shards.total);
  t->effective.parallel.shards = t->shards_text;
  t->effective.run.dir = t->whole_dir.data;
  t->effective.data.corpus = t->whole_corpus.data;
  if (t->blas) t->effective.kernels = "blas";
  lk_buffer_truncate(&t->config_text, 0);
  return lk_config_print(&t->effective, &t->config_text);
}

/* The paths of the configuration from the root on, as this working folder has them. */
static lk_status find_paths(lk_trainer *t) {
  if (t->config->data.corpus[0] == '\0')
    return LK_FAIL(LK_USAGE, "data.corpus is not set: expected the path of a corpus made by 'lockstep prepare'");
  LK_TRY(lk_path_absolute(t->config->run.dir, &t->whole_dir));
  return lk_path_absolute(t->config->data.corpus, &t->whole_corpus);
}

/* Whether OpenBLAS makes the products is chosen once, when a run begins: its bits are its own. Rank 0 measures. */
static lk_status choose_blas(lk_trainer *t, lk_kept kept) {
  const bool asked = strcmp(t->config->kernels, "blas") == 0, left = strcmp(t->config->kernels, "auto") == 0;
  int64_t blas = asked;
  const bool bf16 = strcmp(t->config->train.precision, "bf16") == 0;
  if (asked && bf16)
    return lk_config_error(t->config, "train.precision", "kernels: blas has no products of bf16: choose kernels: auto");
  if (kept.shards > 0 && left) blas = kept.blas;
  if (kept.shards > 0 && blas != kept.blas)
    return lk_config_error(t->config, "kernels", LK_OTHER_RUN("%s"), t->config->run.dir,
                           kept.blas ? "blas" : "other kernels", t->config->kernels);
  if (kept.shards == 0 && left && !bf16 && t->rank == 0) blas = strcmp(lk_kernels_advise(), "blas") == 0;
  LK_TRY(lk_comm_broadcast(t->comm, &blas, sizeof blas, 0));
  t->blas = blas != 0;
  if (t->rank == 0) lk_trainer_tell_order(t, kept);
  return LK_OK;
}

static lk_status choose_transport(lk_trainer *t) {
  size_t how;
  LK_TRY(lk_config_choice(t->config, "parallel.reduction", &how));
  t->transport = (lk_transport)how;
  return lk_wire_read(&t->wire, t->config);
}

/* S is chosen once, when a run begins. */
static lk_status choose_shards(lk_trainer *t, lk_kept kept) {
  int total = 0;
  if (kept.shards == 0) LK_TRY(lk_config_shards(t->config, t->size, &total));
  if (kept.shards > 0) LK_TRY(keep_shards(t, total = (int)kept.shards));
  LK_TRY(choose_blas(t, kept));
  LK_TRY(lk_accumulate_check(t->config, total));
  t->shards = lk_shards_make(total, t->rank, t->size);
  t->shards.rounded = t->wire == LK_WIRE_BF16;
  t->state.shards = total;
  return lk_comm_agree(t->comm, print_config(t));
}

bool lk_trainer_has(const lk_trainer *t, lk_split split) {
  return t->info->stream ? t->info->tokens[split] > 0 : t->info->rows[split] > 0;
}

static lk_status check_validation(const lk_trainer *t) {
  const lk_config_train *c = &t->config->train;
  const char *key = c->patience > 0                        ? "train.patience"
                    : strcmp(c->schedule, "plateau") == 0  ? "train.schedule"
                    : lk_average_by_evaluations(t->config) ? "train.average"
                                                           : NULL;
  if (!key || lk_trainer_has(t, LK_VALID)) return LK_OK;
  return lk_config_error(t->config, key,
                         "goes by evaluations, and '%s' has no part for validation: prepare it with --valid-fraction",
                         t->config->data.corpus);
}

static lk_status open_corpus(lk_trainer *t) {
  LK_TRY(lk_corpus_open_ranks(&t->corpus, t->comm, t->whole_corpus.data));
  t->info = lk_corpus_about(t->corpus);
  return check_validation(t);
}

/* The numbers of word vectors, where the net reads any. The corpus of a model that trained its vectors has only their
 * words: nothing to start from. */
static lk_status read_vectors(lk_trainer *t) {
  const lk_vectors_file from = lk_corpus_vectors(t->corpus);
  if (lk_input_vectors(t->config) == LK_VECTORS_UNREAD || t->info->vectors.rows == 0) return LK_OK;
  if (lk_vectors_waiting(from) > 0) return lk_vectors_share(t->comm, from, t->transport != LK_TRANSPORT_MESSAGES);
  return lk_config_error(t->config, "model.vectors",
                         "'%s' has the words of the vectors, but not the vectors themselves, since it was prepared "
                         "--like a model that trained its own: prepare it with --vectors",
                         t->config->data.corpus);
}

static lk_status build_net(lk_trainer *t) {
  LK_TRY(lk_trainer_kernels(t));
  LK_TRY(lk_params_create(&t->params));
  LK_TRY(lk_task_create(&t->task, t->config, t->info, t->params));
  LK_TRY(lk_model_tensors(t->params, &t->tensors, &t->tensor_count));
  t->lane_width = lk_task_lane_width(t->task);
  return LK_OK;
}

/* The step that a run ends at by train.steps and train.epochs, 0: never. The product of two large settings stays below
 * 2^53, where whole numbers are still exact as a schedule's double. */
static int64_t last_step_of(const lk_config_train *c, int64_t steps_in_epoch) {
  const int64_t most = (int64_t)1 << 53;
  const int64_t by_epochs = c->epochs > most / steps_in_epoch ? most : c->epochs * steps_in_epoch;
  return c->steps > 0 && (by_epochs == 0 || c->steps < by_epochs) ? c->steps : by_epochs;
}

static int parts_of(const lk_config *config) { return (int)config->train.accumulate; }

/* Bytes that rows of the corpus may take here; rows for evaluation get a quarter of them at most. */
static lk_status choose_memory(lk_trainer *t) {
  double bytes = 0;
  LK_TRY(lk_config_memory(t->config, &bytes));
  t->row_memory = (size_t)bytes;
  return bytes > 0 ? LK_OK : lk_corpus_memory(t->comm, &t->row_memory);
}

lk_evaluator_settings lk_trainer_evaluation_settings(const lk_trainer *t, lk_split split) {
  lk_evaluator_settings settings = lk_evaluator_settings_of(t->config, split);
  settings.memory = t->row_memory / 4;
  return settings;
}

/* What is left for training. */
static size_t training_memory(const lk_trainer *t) {
  const double most = (double)lk_trainer_evaluation_settings(t, LK_VALID).memory;
  const lk_loader_settings settings = lk_task_loading(t->task, LK_VALID);
  const double valid = lk_loader_estimate(t->info, &settings, &t->shards);
  return t->row_memory - (size_t)(valid < most ? valid : most);
}

static lk_status open_loader(lk_trainer *t) {
  const lk_config_train *c = &t->config->train;
  ptrdiff_t first;
  lk_loader_settings settings = lk_task_loading(t->task, LK_TRAIN);
  settings.seed = (uint64_t)t->config->seed;
  settings.batch = (ptrdiff_t)c->batch;
  settings.unroll = (ptrdiff_t)c->unroll;
  settings.unroll_random = c->unroll_random && t->info->stream;
  settings.pool = (ptrdiff_t)c->shuffle_window;
  settings.shuffle = true;
  settings.memory = training_memory(t);
  lk_memory_pass(&t->memory);
  LK_TRY(lk_loader_open(&t->loader, t->corpus, &t->shards, &settings));
  lk_memory_lap(&t->memory, LK_MEMORY_CORPUS);
  t->lane_count = lk_loader_lanes(t->loader, &first);
  t->steps_in_epoch = lk_loader_steps(t->loader);
  t->last_step = last_step_of(c, t->steps_in_epoch);
  return lk_task_reserve_for(t->task, t->loader, parts_of(t->config), 1);
}

/* Planned and bound by the same lines (arena.h). */
static void layout(lk_trainer *t) {
  lk_arena *a = &t->arena;
  t->grads = (lk_grads){.shards = &t->shards, .params = t->params};
  if (t->own->count > 1) t->grads.tell = lk_trainer_told, t->grads.context = t;
  for (int p = 0; p < t->shards.subtrees; p++) {
    t->grads.subtree[p] = lk_reduction_gradient(t->reduction, p);
    t->grads.touched[p] = lk_reduction_marks(t->reduction, p);
  }
  t->lanes = t->lane_count * t->lane_width > 0 ? lk_arena_reals(a, t->lane_count * t->lane_width) : NULL;
  t->lane_bytes = lk_arena_take(a, sizeof(size_t) * (size_t)t->size);
  t->stat = lk_arena_take(a, sizeof *t->stat * (size_t)t->shards.count);
  t->mine = lk_arena_take(a, sizeof *t->mine * (size_t)t->shards.count);
  t->control = lk_arena_take(a, sizeof *t->control * (size_t)t->shards.total);
  t->shard_loss = lk_arena_take(a, sizeof *t->shard_loss * (size_t)t->shards.total);
  lk_loader_layout(t->loader, &t->batch, a);
  lk_accumulate_layout(&t->accumulate, a, t->loader, parts_of(t->config), &t->grads);
}

static lk_status reserve(lk_trainer *t) {
  t->own = lk_replicas_own(t->replicas);
  layout(t);
  LK_TRY(lk_arena_reserve(&t->arena));
  layout(t);
  lk_memory_lap(&t->memory, LK_MEMORY_ACTIVATIONS);
  LK_TRY(lk_optimizer_create(&t->optimizer, t->config, t->params, t->own));
  LK_TRY(lk_clip_read(&t->clip_way, t->config));
  LK_TRY(lk_average_create(&t->average, t->config, lk_ranges_size(t->own)));
  lk_memory_lap(&t->memory, LK_MEMORY_MOMENTS);
  return lk_schedule_create(&t->schedule, t->config, t->last_step);
}

static lk_status commit(lk_trainer *t, lk_kept kept, lk_part part) {
  lk_real *values = lk_replicas_values(t->replicas);
  if (kept.shards == 0) return lk_params_commit_at(t->params, (uint64_t)t->config->seed, values, part);
  lk_params_zeros_at(t->params, values, part); /* lk_trainer_resume() reads the checkpoint's */
  return LK_OK;
}

/* What each rank can do, and fail at, by itself. */
static lk_status build_local(lk_trainer *t, lk_kept kept) {
  const lk_part part = lk_replicas_part(t->replicas);
  LK_TRY(commit(t, kept, part));
  lk_task_weights_at(t->task, lk_replicas_packed(t->replicas), part);
  t->weights = lk_weights_make(t->task, t->params, t->replicas);
  LK_TRY(open_loader(t));
  return reserve(t);
}

/* What is not allocated by this rank alone. Of the other ranks of its host it reads the gradients of its own ranges. */
static void plan_shared(lk_trainer *t) {
  const lk_replicas_spec *spec = &t->spec;
  double *bytes = t->memory.bytes;
  const int members = lk_replicas_part(t->replicas).count;
  bytes[LK_MEMORY_WEIGHTS] = sizeof(float) * (double)spec->P;
  bytes[LK_MEMORY_PACKED] = (double)spec->packed_bytes;
  bytes[LK_MEMORY_GRADIENTS] = (double)spec->rank_bytes;
  bytes[LK_MEMORY_EXCHANGE] += (double)spec->rank_bytes * (members - 1) / t->size;
}

/* Moments and average are gathered on rank 0, and copied into the image with the weights. */
static double checkpoint_bytes(const lk_trainer *t) {
  const int gathered = lk_optimizer_moments(t->optimizer) + lk_average_wanted(t->config);
  return t->rank == 0 ? (2 * gathered + 1) * t->memory.bytes[LK_MEMORY_WEIGHTS] : 0;
}

/* Tokens that a step of all ranks reads, about. */
static double tokens_of_step(const lk_trainer *t) {
  const lk_config_train *c = &t->config->train;
  const double rows = (double)t->info->rows[LK_TRAIN];
  const double length = t->info->stream ? (double)c->unroll : rows > 0 ? (double)t->info->tokens[LK_TRAIN] / rows : 0;
  return (double)c->batch * length;
}

/* Gradients, values and packed weights lie where the ranks that share memory can all reach them. */
static lk_status open_replicas(lk_trainer *t) {
  lk_replicas_spec *spec = &t->spec;
  *spec = (lk_replicas_spec){
      .P = lk_params_count(t->params), .blocks = t->block, .transport = t->transport, .wire = t->wire};
  spec->sparse_update = lk_optimizer_skips_untouched(t->config);
  spec->tokens = tokens_of_step(t);
  spec->packed_bytes = lk_task_weights(t->task);
  spec->block_count = lk_params_row_blocks(t->params, t->block, LK_MOST_ROW_BLOCKS);
  LK_ASSERT(spec->block_count <= LK_MOST_ROW_BLOCKS);
  if (t->config->parallel.overlap) spec->cuts = lk_sections_cut(t->params, spec->cut);
  spec->rank_bytes = lk_reduction_bytes(spec, &t->shards);
  spec->gathered_bytes = (size_t)t->shards.total * sizeof *t->control;
  LK_TRY(lk_replicas_create(&t->replicas, t->comm, spec));
  lk_memory_pass(&t->memory);
  LK_TRY(lk_reduction_create(&t->reduction, t->replicas, t->shards.total));
  lk_memory_lap(&t->memory, LK_MEMORY_EXCHANGE);
  plan_shared(t);
  return LK_OK;
}

static lk_status share_lanes(lk_trainer *t) {
  if (t->lane_width == 0) return LK_OK;
  const size_t mine = sizeof(float) * (size_t)(t->lane_count * t->lane_width);
  LK_TRY(lk_comm_allgather_each(t->comm, &mine, t->lane_bytes, sizeof mine));
  for (int r = 0; r < t->size; r++) t->lane_total += (ptrdiff_t)(t->lane_bytes[r] / sizeof(float)) / t->lane_width;
  return LK_OK;
}

static lk_status open_validation(lk_trainer *t) {
  if (!lk_trainer_has(t, LK_VALID)) return LK_OK;
  LK_TRY(lk_evaluator_create(&t->valid, t->comm, t->corpus, &t->shards, t->task,
                             lk_trainer_evaluation_settings(t, LK_VALID)));
  lk_evaluator_tell(t->valid, lk_progress_evaluating, t);
  return lk_comm_agree(t->comm, lk_evaluator_check(t->valid, t->config));
}

/* What is half-written in the run's folder now is a dead owner's. */
static lk_status own_folder(lk_trainer *t) {
  LK_TRY(lk_owner_take(&t->owner, t->config->run.dir));
  return lk_checkpoint_clean(t->config->run.dir);
}

/* The fewest shards of a rank. */
static int fewest_shards(const lk_trainer *t) { return t->shards.total / t->size; }

static void announce_parts(const lk_trainer *t) {
  const long long wanted = (long long)t->config->train.accumulate;
  if (wanted > fewest_shards(t))
    LK_WARN(
        "train.accumulate: %lld parts of a batch, but only %d on a rank that has %d of the %d shards "
        "(parallel.shards)",
        wanted, fewest_shards(t), fewest_shards(t), t->shards.total);
  LK_INFO("each rank computes its share of a batch in %d part%s, and adds their gradients with %.1f MB more memory",
          t->accumulate.parts.count, lk_plural(t->accumulate.parts.count),
          1e-6 * (double)lk_accumulate_bytes(&t->accumulate));
}

static void announce_memory(const lk_trainer *t) {
  bool ahead;
  const double mine = 1e-6 * (double)lk_loader_memory(t->loader, &ahead);
  const lk_loader_settings settings = lk_task_loading(t->task, LK_TRAIN);
  if (ahead)
    LK_INFO(
        "rows of the corpus: a thread reads those of coming steps, with %.1f MB in each rank; all would take %.1f MB "
        "(data.memory)",
        mine, 1e-6 * lk_loader_estimate(t->info, &settings, &t->shards));
  else
    LK_INFO("rows of the corpus: all are in memory, about %.1f MB in each rank", mine);
}

static void announce(const lk_trainer *t) {
  const int S = t->shards.total;
  char memory[512];
  LK_INFO("%s: %td parameters in %d tensor%s; %s kernels%s", t->config->task, lk_params_trainable(t->params),
          t->tensor_count, lk_plural(t->tensor_count), lk_kernels_get()->name,
          lk_kernels_get()->terms > 0 ? ", products of bf16" : "");
  LK_INFO("the run is in %s, its corpus is %s", t->whole_dir.data, t->whole_corpus.data);
  if (lk_input_vectors(t->config) != LK_VECTORS_UNREAD)
    LK_INFO("vectors of %td word%s, %td number%s each: %.1f MB %s", t->info->vectors.rows - LK_VECTOR_FIRST,
            lk_plural(t->info->vectors.rows - LK_VECTOR_FIRST), t->info->vectors.width,
            lk_plural(t->info->vectors.width), 4e-6 * (double)t->info->vectors.rows * (double)t->info->vectors.width,
            t->info->vectors.mapped > 0 ? "that the ranks of a host share" : "in each rank");
  LK_INFO("%lld step%s an epoch, %lld sequence%s a step", (long long)t->steps_in_epoch, lk_plural(t->steps_in_epoch),
          (long long)t->config->train.batch, lk_plural(t->config->train.batch));
  lk_scaling_announce(t->config, t->steps_in_epoch, t->last_step);
  if (t->config->train.accumulate > 1) announce_parts(t);
  announce_memory(t);
  if (t->blas)
    LK_INFO(
        "OpenBLAS makes the products: the bits are those of its version and of the core that it takes this CPU for "
        "(%s)",
        lk_blas_core());
  if (!t->valid)
    LK_INFO("the corpus has no part for validation: there will be no best.h5, the last weights are %s/last.h5",
            t->config->run.dir);
  if (lk_schedule_by_time(t->schedule))
    LK_INFO(
        "the learning rate goes by the time that training takes: no other run repeats the weights of this one "
        "(train.schedule_by)");
  LK_INFO("memory: %s", lk_memory_words(memory, &t->memory));
  if (t->size > 1) LK_INFO("gradients by %s", lk_replicas_description(t->replicas));
  if (t->own->count > 1)
    LK_INFO("hosts send each other gradients and new weights in %d sections while they compute (parallel.overlap)",
            t->own->count);
  if (t->wire == LK_WIRE_BF16)
    LK_INFO(
        "partial gradients and changes of weights are rounded to bfloat16, on any number of hosts: two bytes each "
        "between hosts (parallel.wire)");
  if (shards_follow_ranks(t->config))
    LK_INFO(
        "%d rank%s, %d shard%s: the same bits for any run on up to %d rank%s that resumes this one; another number of "
        "ranks at the start gives other bits (parallel.shards: ranks)",
        t->size, lk_plural(t->size), S, lk_plural(S), S, lk_plural(S));
  else
    LK_INFO("%d rank%s, %d shard%s: the same bits for any number of ranks up to %d", t->size, lk_plural(t->size), S,
            lk_plural(S), S);
}

lk_status lk_trainer_read(lk_trainer *t) {
  LK_TRY(lk_alike_config(t->comm, t->config));
  LK_TRY(lk_comm_agree(t->comm, lk_debug_read(&t->debug, getenv("LOCKSTEP_DEBUG"))));
  LK_TRY(lk_comm_agree(t->comm, lk_train_check(t->config)));
  LK_TRY(lk_spike_read(&t->spike, t->config));
  LK_TRY(lk_comm_agree(t->comm, find_paths(t)));
  return lk_comm_agree(t->comm, choose_transport(t));
}

lk_status lk_trainer_join(lk_trainer *t, lk_kept kept) {
  LK_TRY(choose_shards(t, kept));
  lk_memory_begin(&t->memory);
  LK_TRY(open_corpus(t));
  LK_TRY(read_vectors(t));
  LK_TRY(lk_comm_agree(t->comm, build_net(t)));
  lk_memory_lap(&t->memory, LK_MEMORY_CORPUS);
  t->memory.bytes[LK_MEMORY_CORPUS] += (double)t->info->vectors.mapped; /* not of malloc() */
  LK_TRY(lk_alike_kernels(t->comm, t->blas));
  LK_TRY(open_replicas(t));
  LK_TRY(choose_memory(t));
  LK_TRY(lk_comm_agree(t->comm, build_local(t, kept)));
  LK_TRY(lk_replicas_meet(t->replicas));
  t->state.seed = t->config->seed;
  t->state.last_train_loss = INFINITY;
  return share_lanes(t);
}

/* The number of shards and the kernels of a run that is there already. */
static lk_status peek(lk_trainer *t, lk_kept *kept) {
  LK_TRY(lk_comm_agree(t->comm, t->rank == 0 ? lk_trainer_peek(t, kept) : LK_OK));
  return lk_comm_broadcast(t->comm, kept, sizeof *kept, 0);
}

lk_status lk_trainer_build(lk_trainer *t) {
  lk_kept kept = {0};
  LK_TRY(lk_trainer_read(t));
  if (t->host->owns_process) LK_TRY(lk_watchdog_start(t->comm, t->config->watchdog.seconds));
  LK_TRY(lk_comm_agree(t->comm, t->rank == 0 ? own_folder(t) : LK_OK));
  LK_TRY(peek(t, &kept));
  LK_TRY(lk_trainer_join(t, kept));
  LK_TRY(lk_comm_agree(t->comm, t->rank == 0 ? lk_progress_open(t) : LK_OK));
  lk_memory_pass(&t->memory);
  LK_TRY(open_validation(t));
  lk_memory_lap(&t->memory, LK_MEMORY_VALIDATION);
  t->memory.bytes[LK_MEMORY_CHECKPOINT] = checkpoint_bytes(t);
  LK_TRY(lk_memory_largest(&t->memory, t->comm));
  LK_TRY(lk_trainer_resume(t));
  LK_TRY(lk_comm_agree(t->comm, t->rank == 0 ? lk_progress_config(t) : LK_OK));
  LK_TRY(lk_hosts_tell(t->comm));
  announce(t);
  return lk_comm_agree(t->comm, t->rank == 0 ? lk_train_warn(t->config, t->info) : LK_OK);
}
