/* decay.h - weight decay by kind of tensor: train.decay, and train.decay_of where it names the kind.
 *
 *   embedding   embeddings of words and of features, vectors of words; tied ones too
 *   input       from a layer's input to its gates (weight_ih)
 *   recurrent   from the state before to the gates (weight_hh)
 *   output      of the output layer
 *   other       other matrices: attention, bridge
 *   bias        biases: none unless train.decay_of says so
 *
 * Not collective throughout. */
#pragma once
#include "config.h"
#include "params.h"

enum { LK_DECAY_KINDS = 6 };

typedef struct lk_decay {
  double of[LK_DECAY_KINDS];
} lk_decay;

/** LK_USAGE for a kind that does not exist, one that is named twice, or a number that is none. */
LK_CHECKED lk_status lk_decay_read(lk_decay *decay, const lk_config *config);
/** The decay of a tensor. */
double lk_decay_for(const lk_decay *decay, const lk_param *tensor);
/** Whether no tensor whose gradient has few nonzero rows decays. */
bool lk_decay_spares_sparse(const lk_decay *decay);
