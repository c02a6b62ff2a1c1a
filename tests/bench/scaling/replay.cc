/* replay: one training step of all ranks in SimGrid, message by message as step_messages lists them.
 *
 *   replay LISTS BYTES [KEY=VALUE ...]      prints one line: seconds of a step, and of its parts on the first host
 *
 *   gbit       10      of each plug and each link of the tree, in each direction
 *   headers    0.916   part of these bits that is payload (TCP over Ethernet, acknowledgements of the way back)
 *   latency    2e-5    seconds of a message below one switch; twice as long through the top of the tree
 *   message    5e-6    seconds of a core for sending one message and receiving one
 *   byte       5e-10   the same for each byte
 *   inside     5e-7    seconds of a message between ranks of one host
 *   leaf       16      hosts of one switch; 0: all hosts on one switch
 *   up         16      links from such a switch to the top: 16 is a full tree, 4 has a quarter of its links
 *   whole      0       1: every rank is simulated; 0: the ranks of a host, which do the same, send as one
 *   noise      0       relative standard deviation of the time that a rank computes
 *   compute    1       factor of that time: larger batches of each rank
 *   adding     1       factor of the time that adding numbers takes
 *   steps      1       of which the mean is taken
 *   grain      1e-5    seconds within which what happens counts as happening at once: else a hundred hosts take hours
 *
 * A rank, as in step.c: computes, gathers the control word (the first rank of each host for all of it), sums gradients in
 * buckets of which two are in flight,
 * gathers sums of squares, updates, exchanges values, packs. Gathering takes the rounds of Open MPI 4.1's algorithms,
 * chosen as coll_tuned does. */
#include <simgrid/s4u.hpp>
#include <xbt/log.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace sg = simgrid::s4u;

namespace {

constexpr double EAGER = 64 * 1024; /* bytes up to which a send does not wait for its receiver */
constexpr int SENDS_AT_ONCE = 8;    /* parts in which the messages of a bucket are handed to the network */

std::map<std::string, double> setting = {{"gbit", 10},    {"headers", 0.916}, {"latency", 2e-5}, {"message", 5e-6},
                                         {"byte", 5e-10}, {"inside", 5e-7},   {"leaf", 16},      {"up", 16},
                                         {"whole", 0},    {"adding", 1},      {"noise", 0},      {"compute", 1},
                                         {"grain", 1e-5}, {"steps", 1}};

struct Rank {
  int subtrees, received, adds, run_adds;
  std::vector<int> gradients, values;  /* ranks that it sends to */
  double control, squares;             /* bytes that it gives to the gatherings */
  std::vector<double> gradient, value; /* bytes of its range, by bucket */
};

size_t gradients_in_flight, values_in_flight; /* buckets */
int hosts, ranks, fold;                       /* ranks of a host; ranks that send as one */
double half, real;
std::map<std::string, double> measured; /* seconds of a step of one rank alone, by part; of adding a real: move */
std::vector<Rank> all;

int units() { return hosts * ranks / fold; }
int unit_of(int rank) { return rank / fold; }
int host_of(int unit) { return unit * fold / ranks; }

/* ---- input ---- */

[[noreturn]] void fail(const std::string &what) {
  std::cerr << "replay: " << what << "\n";
  std::exit(1);
}

template <typename T>
T named(std::istream &in, const std::string &name) {
  std::string found;
  T value;
  if (!(in >> found >> value) || found != name) fail("expected " + name + ", found " + found);
  return value;
}

std::vector<int> list(std::istream &in, const std::string &name) {
  std::vector<int> found(named<size_t>(in, name));
  for (int &each : found) in >> each;
  return found;
}

void read_lists(std::istream &in) {
  hosts = named<int>(in, "hosts"), ranks = named<int>(in, "ranks");
  all.resize(static_cast<size_t>(hosts) * ranks);
  for (Rank &r : all) {
    r.subtrees = named<int>(in, "subtrees"), r.received = named<int>(in, "received");
    r.adds = named<int>(in, "adds"), r.run_adds = named<int>(in, "run_adds");
    r.gradients = list(in, "gradients"), r.values = list(in, "values");
  }
}

void read_bytes(std::istream &in) {
  named<double>(in, "parameters");
  half = named<double>(in, "half"), real = named<double>(in, "real");
  named<double>(in, "tokens");
  for (const char *part : {"batch", "net", "sum", "update", "values", "pack", "move"})
    measured[part] = named<double>(in, part);
  measured["move"] *= setting["adding"];
  gradients_in_flight = named<size_t>(in, "in_flight"), values_in_flight = named<size_t>(in, "values_in_flight");
  const auto buckets = named<size_t>(in, "buckets"), value_buckets = named<size_t>(in, "value_buckets");
  for (Rank &r : all) {
    r.gradient.resize(buckets), r.value.resize(value_buckets);
    in >> r.control >> r.squares;
    for (double &each : r.gradient) in >> each;
    for (double &each : r.value) in >> each;
  }
  if (!in) fail("the file of bytes ends early");
}

/* ---- messages between units ---- */

struct Message {
  int to;
  double bytes = 0, count = 0; /* of all ranks that send as one */
  double before = 0;           /* seconds of each of them to make it */
};

struct Round { /* what a unit sends and receives before it goes on */
  std::vector<Message> out;
  int arrivals = 0;
  double in_bytes = 0, in_count = 0;
  double after = 0;    /* seconds of each of its ranks, when all has arrived */
  bool inside = false; /* some of its ranks send to each other */
};

using Exchange = std::vector<std::vector<Round>>; /* by round or bucket, then unit */

Exchange gradients, values, control, squares;

Exchange nothing(size_t rounds) { return Exchange(rounds, std::vector<Round>(static_cast<size_t>(units()))); }

void add_message(std::vector<Round> &round, int from, int to, double bytes, double count, double before) {
  const int u = unit_of(from), v = unit_of(to);
  if (u == v) {
    round[u].inside = true;
    return;
  }
  std::vector<Message> &out = round[u].out;
  auto at = std::find_if(out.begin(), out.end(), [v](const Message &m) { return m.to == v; });
  if (at == out.end()) {
    out.push_back({v});
    round[v].arrivals++;
    at = out.end() - 1;
  }
  at->bytes += bytes, at->count += count, at->before += before / fold;
  round[v].in_bytes += bytes, round[v].in_count += count;
}

void plan_gradients() {
  const double move = measured["move"];
  gradients = nothing(all[0].gradient.size());
  for (size_t k = 0; k < gradients.size(); k++)
    for (size_t r = 0; r < all.size(); r++) {
      const Rank &from = all[r];
      for (int to : from.gradients) {
        const double bytes = all[to].gradient[k];
        if (bytes > 0)
          add_message(gradients[k], static_cast<int>(r), to, bytes * from.subtrees, from.subtrees,
                      move * bytes / real * (from.run_adds + half * from.subtrees));
      }
      double &after = gradients[k][unit_of(static_cast<int>(r))].after;
      after = std::max(after, move * from.gradient[k] / real * (from.adds + half * from.received));
    }
}

void plan_values() {
  values = nothing(all[0].value.size());
  for (size_t k = 0; k < values.size(); k++)
    for (size_t r = 0; r < all.size(); r++)
      for (int to : all[r].values)
        if (all[r].value[k] > 0) add_message(values[k], static_cast<int>(r), to, all[r].value[k], 1, 0);
}

/* ---- gathering: the algorithms of Open MPI, by their numbers in coll_tuned ---- */

enum Gathering { LINEAR = 1, BRUCK, RING, NEIGHBOUR, TWO };

struct Choice { /* below so many ranks: up to these bytes of a rank, these algorithms */
  int ranks;
  std::vector<std::pair<double, Gathering>> steps;
};

Gathering choose(int size, double bytes) {
  const double any = INFINITY;
  static const std::vector<Choice> choices = {
      {3, {{2048, RING}, {4096, TWO}, {8192, RING}, {any, TWO}}},
      {8, {{256, LINEAR}, {4096, NEIGHBOUR}, {8192, RING}, {16384, NEIGHBOUR}, {262144, BRUCK}, {any, NEIGHBOUR}}},
      {16, {{1024, LINEAR}, {any, BRUCK}}},
      {32, {{128, LINEAR}, {262144, BRUCK}, {any, RING}}},
      {64, {{256, LINEAR}, {8192, BRUCK}, {any, RING}}},
      {128, {{256, LINEAR}, {4096, BRUCK}, {any, RING}}},
      {256, {{1024, BRUCK}, {65536, NEIGHBOUR}, {any, RING}}},
      {512, {{1024, BRUCK}, {any, RING}}},
      {1024, {{512, BRUCK}, {1024, LINEAR}, {4096, BRUCK}, {1048576, NEIGHBOUR}, {any, RING}}},
      {1 << 30, {{4096, BRUCK}, {any, NEIGHBOUR}}}};
  for (const Choice &c : choices)
    for (const auto &[most, algorithm] : c.steps)
      if (size < c.ranks && bytes < most) return algorithm;
  return RING;
}

/* Bytes of `count` ranks from `first` on, around the end. */
double bytes_of(const std::vector<double> &mine, int first, int count) {
  double sum = 0;
  for (int i = 0; i < count; i++) sum += mine[(first + i) % mine.size()];
  return sum;
}

void add_gathered(std::vector<Round> &round, int from, int to, double bytes) {
  add_message(round, from * ranks, to * ranks, bytes, 1, 0);
}

void gather_linear(Exchange &e, const std::vector<double> &mine) {
  const int size = static_cast<int>(mine.size());
  e = nothing(1);
  for (int r = 1; r < size; r++) add_gathered(e[0], r, 0, mine[r]);
  for (int reach = 1; reach < size; reach *= 2) {
    e.push_back(nothing(1)[0]);
    for (int r = 0; r < reach && r + reach < size; r++) add_gathered(e.back(), r, r + reach, bytes_of(mine, 0, size));
  }
}

void gather_bruck(Exchange &e, const std::vector<double> &mine) {
  const int size = static_cast<int>(mine.size());
  for (int distance = 1; distance < size; distance *= 2) {
    const int blocks = std::min(distance, size - distance);
    e.push_back(nothing(1)[0]);
    for (int r = 0; r < size; r++) add_gathered(e.back(), r, (r - distance + size) % size, bytes_of(mine, r, blocks));
  }
}

void gather_ring(Exchange &e, const std::vector<double> &mine) {
  const int size = static_cast<int>(mine.size());
  e = nothing(static_cast<size_t>(size) - 1);
  for (int i = 0; i + 1 < size; i++)
    for (int r = 0; r < size; r++) add_gathered(e[i], r, (r + 1) % size, mine[(r - i + size) % size]);
}

/* In turn with the right and the left one: first one block, then the two that came last. */
void gather_neighbours(Exchange &e, const std::vector<double> &mine) {
  const int size = static_cast<int>(mine.size());
  e = nothing(static_cast<size_t>(size) / 2);
  for (int i = 0; i < size / 2; i++)
    for (int r = 0; r < size; r++) {
      const int to = (r % 2 == i % 2 ? r + 1 : r - 1 + size) % size;
      add_gathered(e[i], r, to, bytes_of(mine, r, i == 0 ? 1 : 2));
    }
}

Exchange gather(double Rank::*bytes) {
  std::vector<double> mine;
  Exchange e;
  for (size_t r = 0; r < all.size(); r += static_cast<size_t>(ranks)) {
    mine.push_back(0);
    for (int m = 0; m < ranks; m++) mine.back() += all[r + static_cast<size_t>(m)].*bytes;
  }
  const int size = static_cast<int>(mine.size());
  if (size == 1) return e;
  const Gathering way = choose(size, bytes_of(mine, 0, size) / size);
  if (way == LINEAR)
    gather_linear(e, mine);
  else if (way == BRUCK)
    gather_bruck(e, mine);
  else if (way == NEIGHBOUR && size % 2 == 0)
    gather_neighbours(e, mine);
  else
    gather_ring(e, mine); /* of two: the same as TWO */
  return e;
}

/* ---- a unit: a rank, or the ranks of a host ---- */

struct Part {
  const char *name;
  double seconds;
};
std::vector<Part> parts = {{"compute", 0}, {"control", 0}, {"sum", 0}, {"squares", 0},
                           {"update", 0},  {"values", 0},  {"pack", 0}};
std::vector<sg::BarrierPtr> meeting; /* of each host, where every rank is simulated */
int *sink, token;
std::vector<sg::SemaphorePtr> sent; /* of each unit: messages whose end it waits for */

/* From one unit to another messages travel one after the other, as through a connection. */
struct Channel {
  struct Waiting {
    sg::Mailbox *box;
    uint64_t bytes;
    bool awaited;
  };
  int from;
  std::deque<Waiting> queue;
  sg::SemaphorePtr ready = sg::Semaphore::create(0);

  void push(const Waiting &message) {
    queue.push_back(message);
    ready->release();
  }

  void run() {
    while (true) {
      ready->acquire();
      const Waiting next = queue.front();
      queue.pop_front();
      next.box->put(&token, next.bytes);
      if (next.awaited) sent[from]->release();
    }
  }
};
std::map<std::pair<int, int>, Channel> channels;

void open_channels(const Exchange &e) {
  for (const auto &round : e)
    for (int u = 0; u < units(); u++)
      for (const Message &m : round[u].out) channels[{u, m.to}].from = u;
}

class Unit {
  int id;
  std::map<size_t, std::vector<sg::CommPtr>> flying; /* by round */
  double lap = 0;

  sg::Mailbox *box(int unit, const char *phase, size_t round) const {
    return sg::Mailbox::by_name(std::to_string(unit) + phase + std::to_string(round));
  }

  static void spend(double seconds) {
    if (seconds > 0) sg::this_actor::sleep_for(seconds);
  }

  double handling(double count, double bytes) const {
    return (setting["message"] * count + setting["byte"] * bytes) / 2 / fold;
  }

  void receive(const Round &r, const char *phase, size_t round) {
    for (int i = 0; i < r.arrivals; i++) flying[round].push_back(box(id, phase, round)->get_async(&sink));
  }

  void send(const Round &r, const char *phase, size_t round) {
    const size_t at_once = (r.out.size() + SENDS_AT_ONCE - 1) / SENDS_AT_ONCE;
    for (size_t i = 0; i < r.out.size(); i++) {
      double before = 0;
      for (size_t j = i; i % at_once == 0 && j < std::min(i + at_once, r.out.size()); j++)
        before += r.out[j].before + handling(r.out[j].count, r.out[j].bytes);
      spend(before);
      const bool awaited = r.out[i].bytes / r.out[i].count > EAGER;
      channels[{id, r.out[i].to}].push(
          {box(r.out[i].to, phase, round), static_cast<uint64_t>(r.out[i].bytes), awaited});
    }
  }

  void finish(const Round &r, size_t round) {
    for (const auto &comm : flying[round]) comm->wait();
    flying.erase(round);
    for (const Message &m : r.out)
      if (m.bytes / m.count > EAGER) sent[id]->acquire();
    spend(r.after + handling(r.in_count, r.in_bytes) + (r.inside ? setting["inside"] : 0));
  }

  void meet() const {
    if (!meeting.empty()) meeting[host_of(id)]->wait();
  }

  /* So many rounds at a time. */
  void exchange(const Exchange &e, const char *phase, size_t at_once) {
    for (size_t k = 0; k < at_once && k < e.size(); k++) receive(e[k][id], phase, k);
    meet();
    for (size_t k = 0; k < at_once && k < e.size(); k++) send(e[k][id], phase, k);
    for (size_t k = 0, next = at_once; k < e.size(); k++, next++) {
      finish(e[k][id], k);
      if (next >= e.size()) continue;
      receive(e[next][id], phase, next);
      send(e[next][id], phase, next);
    }
  }

  void gather(const Exchange &e, const char *phase) {
    for (size_t k = 0; k < e.size(); k++) {
      receive(e[k][id], phase, k);
      send(e[k][id], phase, k);
      finish(e[k][id], k);
    }
  }

  void end(size_t part) {
    const double now = sg::Engine::get_clock();
    if (id == 0) parts[part].seconds += now - lap;
    lap = now;
  }

  void compute(std::mt19937_64 &random) {
    std::normal_distribution<double> deviation;
    double longest = 0;
    for (int r = 0; r < fold; r++) longest = std::max(longest, 1 + setting["noise"] * deviation(random));
    spend((measured["batch"] + measured["net"]) * setting["compute"] * longest);
  }

 public:
  explicit Unit(int number) : id(number) {}

  void permanent(const Exchange &e, const char *phase) const {
    for (size_t k = 0; k < e.size(); k++) box(id, phase, k)->set_receiver(sg::Actor::self());
  }

  void operator()() {
    const double size = hosts * ranks;
    std::mt19937_64 random(static_cast<uint64_t>(id) + 1);
    permanent(control, "c"), permanent(gradients, "g"), permanent(squares, "s"), permanent(values, "v");
    for (int step = 0; step < setting["steps"]; step++) {
      compute(random), end(0);
      gather(control, "c"), end(1);
      exchange(gradients, "g", gradients_in_flight);
      spend(measured["sum"] / size), end(2);
      gather(squares, "s"), end(3);
      spend(measured["update"] / size), end(4);
      exchange(values, "v", values_in_flight);
      spend(measured["values"] / ranks);
      meet(), end(5);
      spend(measured["pack"] / ranks);
      meet(), end(6);
    }
  }
};

/* ---- the network ---- */

sg::Link *loopback(sg::NetZone *zone, const std::vector<unsigned long> &, unsigned long id) {
  auto *link = zone->create_link("inside" + std::to_string(id), 1e10);
  link->set_latency(setting["inside"])->set_sharing_policy(sg::Link::SharingPolicy::FATPIPE)->seal();
  return link;
}

std::pair<simgrid::kernel::routing::NetPoint *, simgrid::kernel::routing::NetPoint *> host(
    sg::NetZone *zone, const std::vector<unsigned long> &, unsigned long id) {
  auto *made = zone->create_host("h" + std::to_string(id), 1e9)->seal();
  return {made->get_netpoint(), nullptr};
}

void make_network() {
  const double bandwidth = setting["gbit"] * 1e9 / 8 * setting["headers"];
  const auto leaf = static_cast<unsigned>(setting["leaf"] > 0 ? setting["leaf"] : hosts);
  const unsigned switches = (static_cast<unsigned>(hosts) + leaf - 1) / leaf;
  const auto up = static_cast<unsigned>(setting["up"]);
  sg::FatTreeParams tree =
      switches == 1 ? sg::FatTreeParams(1, {leaf}, {1}, {1}) : sg::FatTreeParams(2, {leaf, switches}, {1, up}, {1, 1});
  sg::create_fatTree_zone("tree", nullptr, tree, sg::ClusterCallbacks(host, loopback, {}), bandwidth,
                          setting["latency"] / 2, sg::Link::SharingPolicy::SPLITDUPLEX)
      ->seal();
}

void read_settings(int argc, char **argv) {
  for (int i = 3; i < argc; i++) {
    const std::string word = argv[i];
    const size_t equals = word.find('=');
    if (equals == std::string::npos || !setting.count(word.substr(0, equals))) fail("unknown setting " + word);
    setting[word.substr(0, equals)] = std::stod(word.substr(equals + 1));
  }
}

void make_units() {
  for (int h = 0; h < hosts && setting["whole"] > 0; h++) meeting.push_back(sg::Barrier::create(ranks));
  for (int u = 0; u < units(); u++) sent.push_back(sg::Semaphore::create(0));
  for (const Exchange *e : {&control, &gradients, &squares, &values}) open_channels(*e);
  for (auto &[ends, channel] : channels) {
    auto *host = sg::Host::by_name("h" + std::to_string(host_of(ends.first)));
    sg::Actor::create("c", host, [&channel = channel] { channel.run(); })->daemonize();
  }
  for (int u = 0; u < units(); u++)
    sg::Actor::create("u" + std::to_string(u), sg::Host::by_name("h" + std::to_string(host_of(u))), Unit(u));
}

}  // namespace

int main(int argc, char **argv) {
  for (const char *quiet : {"xbt_cfg.thres:warning", "s4u_actor.thres:warning", "res_network.thres:error"})
    xbt_log_control_set(quiet);
  sg::Engine engine(&argc, argv);
  for (const char *each :
       {"network/model:CM02", "network/TCP-gamma:1e15", "network/crosstraffic:0", "network/latency-factor:1",
        "network/bandwidth-factor:1", "network/weight-S:0", "contexts/stack-size:128"})
    sg::Engine::set_config(each);
  if (argc < 3) fail("expected LISTS BYTES [KEY=VALUE ...]");
  read_settings(argc, argv);
  sg::Engine::set_config("surf/precision", setting["grain"]);
  std::ifstream lists(argv[1]), bytes(argv[2]);
  read_lists(lists);
  read_bytes(bytes);
  fold = setting["whole"] > 0 ? 1 : ranks;
  plan_gradients(), plan_values();
  control = gather(&Rank::control), squares = gather(&Rank::squares);
  make_network();
  make_units();
  engine.run();
  std::cout << "step " << sg::Engine::get_clock() / setting["steps"];
  for (const Part &part : parts) std::cout << " " << part.name << " " << part.seconds / setting["steps"];
  std::cout << "\n";
  return 0;
}
