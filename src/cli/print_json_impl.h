/* print_json_impl.h - a result as JSON on standard output. Not collective. */
#pragma once
#include <jansson.h>

#include "status.h"

/** Print `root` and release it. root NULL: there was no memory for it. flags: of json_dumps(). LK_MEMORY. */
LK_CHECKED lk_status lk_cli_print_json(json_t *root, size_t flags);
