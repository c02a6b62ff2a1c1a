/* prepare_like.c - prepare new data with the units, ids and labels of an existing model or corpus. */
#include <string.h>

#include "checkpoint.h"
#include "prepare_impl.h"

lk_status lk_prepare_like_open(lk_prepare_like *like, const char *path) {
  lk_status status = LK_OK;
  lk_h5 *file = NULL;
  lk_buffer format = {0};
  *like = (lk_prepare_like){.path = path};
  LK_GO(lk_h5_open(&file, path, true));
  LK_GO(lk_h5_get_text(file, "/", "format", &format));
  lk_h5_close(&file);
  if (strcmp(format.data, "lockstep-checkpoint") == 0) {
    LK_GO(lk_checkpoint_open(&like->model, path));
    like->info = lk_checkpoint_corpus(like->model);
    memcpy(like->digest, lk_checkpoint_digest(like->model), sizeof like->digest);
  } else {
    LK_GO(lk_corpus_open(&like->corpus, path, false));
    like->info = lk_corpus_about(like->corpus);
    memcpy(like->digest, like->info->digest, sizeof like->digest);
  }
done:
  lk_h5_close(&file);
  lk_buffer_release(&format);
  if (status != LK_OK) lk_prepare_like_close(like);
  return status;
}

void lk_prepare_like_close(lk_prepare_like *like) {
  lk_checkpoint_close(&like->model);
  lk_corpus_close(&like->corpus);
  *like = (lk_prepare_like){0};
}

lk_status lk_prepare_take_like(lk_prepare *p, const lk_prepare_like *like) {
  const lk_corpus_info *info = like->info;
  const char *kind = lk_corpus_kind_names[info->kind];
  p->like = like;
  if (strcmp(p->kind, kind) != 0)
    return LK_FAIL(LK_USAGE, "--like: %s is of kind %s, not %s", like->path, kind, p->kind);
  p->stream = info->stream;
  p->lower = info->lower;
  p->nfc = info->nfc;
  p->digits = info->digits;
  p->bioes = info->tags != LK_SCHEME_AS_FILED;
  p->features = info->columns;
  for (int c = 0; c < info->columns; c++) p->feature[c] = info->column[c].name;
  p->vocabulary = p->pairs.vocabulary = 0;
  p->minimum = p->pairs.minimum = 1;
  p->pairs.shared = info->shared;
  if (info->frames > 0) return LK_OK;
  const bool known = lk_unit_find(info->unit, &p->unit) &&
                     (info->kind != LK_CORPUS_PAIRS || lk_unit_find(info->target_unit, &p->pairs.unit));
  return known ? LK_OK : LK_FAIL(LK_DATA, "--like: %s: cut into units that this program does not know", like->path);
}

/* Replace a counted vocabulary by that of the model. */
static lk_status replace(lk_vocab **vocab, const lk_strings *strings, bool specials) {
  lk_vocab *made = NULL;
  LK_TRY(lk_vocab_from(&made, strings, specials));
  lk_vocab_destroy(vocab);
  *vocab = made;
  return LK_OK;
}

lk_status lk_job_finish_like(lk_job *job) {
  const lk_corpus_info *info = job->settings->like->info;
  if (info->frames == 0) LK_TRY(replace(&job->vocab, &info->source, true));
  if (job->format->labels) LK_TRY(replace(&job->labels, &info->label, false));
  return job->targets ? replace(&job->targets, &info->target, true) : LK_OK;
}

static lk_status take_pieces(lk_job *job, int side, const lk_buffer *model, lk_buffer *kept) {
  if (model->size == 0) return LK_OK;
  LK_TRY(lk_buffer_append(kept, model->data, model->size));
  return lk_pieces_create(&job->pieces[side], job->settings->like->path, kept->data, kept->size);
}

lk_status lk_job_pieces_like(lk_job *job) {
  const lk_corpus_info *info = job->settings->like->info;
  LK_TRY(take_pieces(job, 0, &info->source_model, &job->info.source_model));
  LK_TRY(take_pieces(job, 1, &info->target_model, &job->info.target_model));
  if (job->settings->pairs.unit == LK_PIECE && info->target_model.size == 0) job->pieces[1] = job->pieces[0];
  return LK_OK;
}
