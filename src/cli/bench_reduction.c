#include <string.h>

#include "bench_impl.h"
#include "reduction.h"
#include "work.h"

enum { MOST = 21 };

/* The median seconds of summing the gradients, and of distributing the updated values. */
static lk_status run(const bench *b, lk_replicas *replicas, lk_reduction *reduction, double *sum, double *share) {
  double sums[MOST], shares[MOST];
  const int repeats = b->quick ? 7 : MOST;
  for (int i = -2; i < repeats; i++) {
    const int at = i < 0 ? 0 : i;
    lk_work_at(0);
    LK_TRY(lk_reduction_begin(reduction));
    LK_TRY(lk_comm_barrier(b->comm));
    double start = lk_clock_seconds();
    LK_TRY(lk_reduction_sum(reduction));
    double summed = lk_clock_seconds();
    LK_TRY(lk_replicas_allgather(replicas, NULL));
    sums[at] = summed - start;
    shares[at] = lk_clock_seconds() - summed;
  }
  *sum = bench_median(sums, repeats);
  *share = bench_median(shares, repeats);
  LK_TRY(bench_mean(b, sum, 1));
  return bench_mean(b, share, 1);
}

static lk_status measure(const bench *b, ptrdiff_t P, lk_transport transport, json_t *rows) {
  lk_status status = LK_OK;
  lk_replicas *replicas = NULL;
  lk_reduction *reduction = NULL;
  double sum, share, bytes = 4.0 * (double)P;
  const lk_shards shards = lk_shards_make(b->size, b->rank, b->size);
  lk_replicas_spec spec = {.P = P, .transport = transport};
  spec.rank_bytes = lk_reduction_bytes(&spec, &shards);
  LK_GO(lk_replicas_create(&replicas, b->comm, &spec));
  LK_GO(lk_reduction_create(&reduction, replicas, shards.total));
  float *gradient = lk_reduction_gradient(reduction, 0);
  for (ptrdiff_t i = 0; i < P; i++) gradient[i] = (float)(i % 1000);
  LK_GO(run(b, replicas, reduction, &sum, &share));
  LK_GO(bench_add(rows, json_pack("{s:s, s:f, s:f, s:f, s:f, s:f}", "by",
                                  transport == LK_TRANSPORT_MESSAGES ? "messages" : lk_replicas_description(replicas),
                                  "MB", bytes / 1e6, "sum_ms", sum * 1e3, "sum_GB/s", bytes / sum / 1e9, "share_ms",
                                  share * 1e3, "share_GB/s", bytes / share / 1e9)));
done:
  lk_reduction_destroy(&reduction);
  lk_replicas_destroy(&replicas);
  return status;
}

lk_status bench_reduction(bench *b) {
  static const ptrdiff_t sizes[] = {(ptrdiff_t)1 << 18, (ptrdiff_t)1 << 20, (ptrdiff_t)1 << 22, (ptrdiff_t)1 << 24};
  static const lk_transport transports[] = {LK_TRANSPORT_AUTO, LK_TRANSPORT_MESSAGES};
  lk_status status = LK_OK;
  json_t *rows = json_array();
  for (size_t h = 0; h < sizeof transports / sizeof *transports; h++)
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      if (b->quick && i != 2) continue;
      LK_GO(measure(b, sizes[i], transports[h], rows));
    }
  LK_GO(bench_emit(b, "reduction",
                   "Sum of gradients over the ranks, and distribution of updated values: GB/s of one rank's gradient "
                   "and values",
                   json_incref(rows)));
done:
  json_decref(rows);
  return status;
}
