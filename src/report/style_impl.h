/* style_impl.h - the style sheet of the page, in pieces; the last one is NULL. */
#pragma once

extern const char *const lk_report_style[];
