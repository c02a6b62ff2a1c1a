/* run_impl.h - private to the files that read a run's folder. */
#pragma once
#include "run_record.h"

/** Read metrics.jsonl and starts.jsonl; *found: there is one. LK_MEMORY. */
LK_CHECKED lk_status lk_run_read_lines(lk_run *run, bool *found);
