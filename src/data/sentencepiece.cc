#include "sentencepiece_impl.h"

#include <sentencepiece_processor.h>

#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <vector>

struct lk_sentencepiece {
  sentencepiece::SentencePieceProcessor processor;
};

namespace {

/* Whether it went well; its words into `error`, on one line, where it did not. */
bool good(const sentencepiece::util::Status &status, char *error) {
  if (status.ok()) return true;
  std::snprintf(error, LK_SENTENCEPIECE_WORDS, "%s", status.ToString().c_str());
  for (char *c = error; *c; c++)
    if (*c == '\n') *c = ' ';
  return false;
}

/* What `work` says, or 0 where it throws. */
template <class Work>
int guarded(char *error, Work work) {
  try {
    return work();
  } catch (const std::exception &thrown) {
    std::snprintf(error, LK_SENTENCEPIECE_WORDS, "%s", thrown.what());
  } catch (...) {
    std::snprintf(error, LK_SENTENCEPIECE_WORDS, "unknown failure");
  }
  return 0;
}

std::vector<std::string> split(const char *text, size_t size) {
  std::vector<std::string> parts;
  std::string part;
  for (size_t i = 0; i <= size; i++) {
    if (i < size && text[i] != ' ') {
      part += text[i];
      continue;
    }
    if (!part.empty()) parts.push_back(part);
    part.clear();
  }
  return parts;
}

}  // namespace

lk_sentencepiece *lk_sentencepiece_create(const char *bytes, size_t size, char *error) {
  lk_sentencepiece *made = nullptr;
  const int loaded = guarded(error, [&]() -> int {
    made = new lk_sentencepiece;
    return good(made->processor.LoadFromSerializedProto(std::string(bytes, size)), error);
  });
  if (loaded) return made;
  delete made;
  return nullptr;
}

void lk_sentencepiece_destroy(lk_sentencepiece *model) { delete model; }

int lk_sentencepiece_encode(const lk_sentencepiece *model, const char *text, size_t size, lk_sentencepiece_taker *take,
                            void *context, char *error) {
  return guarded(error, [&]() -> int {
    std::vector<std::string> pieces;
    if (!good(model->processor.Encode(std::string(text, size), &pieces), error)) return 0;
    for (const std::string &piece : pieces)
      if (!take(context, piece.data(), piece.size())) return 0;
    return 1;
  });
}

int lk_sentencepiece_decode(const lk_sentencepiece *model, const char *pieces, size_t size,
                            lk_sentencepiece_taker *take, void *context, char *error) {
  return guarded(error, [&]() -> int {
    std::string text;
    if (!good(model->processor.Decode(split(pieces, size), &text), error)) return 0;
    return take(context, text.data(), text.size());
  });
}
