/* message_cost: what a message between two ranks takes: latency, and the time of a core for each message and byte.
 *
 * Windows as in the exchange of a step: each rank posts receives and sends of one size, and waits for all. Both ranks
 * send at the same time, so a window takes a core's time for as many sends and receives. Medians. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { WINDOW = 64, ROUNDS = 200, LARGEST = 65536 };

static int ascending(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static double median(double *seconds) {
  qsort(seconds, ROUNDS, sizeof *seconds, ascending);
  return seconds[ROUNDS / 2];
}

static void exchange(int other, int bytes, int count, char *in, char *out) {
  MPI_Request request[2 * WINDOW];
  for (int i = 0; i < count; i++)
    MPI_Irecv(in + (size_t)i * LARGEST, bytes, MPI_BYTE, other, 0, MPI_COMM_WORLD, &request[i]);
  for (int i = 0; i < count; i++)
    MPI_Isend(out + (size_t)i * LARGEST, bytes, MPI_BYTE, other, 0, MPI_COMM_WORLD, &request[count + i]);
  MPI_Waitall(2 * count, request, MPI_STATUSES_IGNORE);
}

static void ping(int rank, int bytes, char *data) {
  const int other = 1 - rank;
  if (rank == 0) MPI_Send(data, bytes, MPI_BYTE, other, 1, MPI_COMM_WORLD);
  MPI_Recv(data, bytes, MPI_BYTE, other, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  if (rank == 1) MPI_Send(data, bytes, MPI_BYTE, other, 1, MPI_COMM_WORLD);
}

/* Seconds of a message of a few bytes, one way. */
static double latency(int rank, char *data) {
  static double seconds[ROUNDS];
  for (int i = 0; i < ROUNDS; i++) {
    const double start = MPI_Wtime();
    ping(rank, 8, data);
    seconds[i] = (MPI_Wtime() - start) / 2;
  }
  return median(seconds);
}

/* Seconds of sending one message and receiving one. */
static double both_ways(int rank, int bytes, char *in, char *out) {
  static double seconds[ROUNDS];
  for (int i = 0; i < ROUNDS; i++) {
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = MPI_Wtime();
    exchange(1 - rank, bytes, WINDOW, in, out);
    seconds[i] = (MPI_Wtime() - start) / WINDOW;
  }
  return median(seconds);
}

int main(int argc, char **argv) {
  int rank, size;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  char *in = calloc(WINDOW, LARGEST), *out = calloc(WINDOW, LARGEST);
  if (size != 2 || !in || !out) {
    fprintf(stderr, "message_cost: expected two ranks, and memory\n");
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  const double one_way = latency(rank, in), small = both_ways(rank, 64, in, out),
               large = both_ways(rank, 32768, in, out);
  if (rank == 0)
    printf("latency_us %.2f message_us %.2f byte_ns %.4f\n", 1e6 * one_way, 1e6 * small,
           1e9 * (large - small) / (32768 - 64));
  free(in);
  free(out);
  MPI_Finalize();
  return 0;
}
