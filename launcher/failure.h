// dlv's words, put for a person. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "launcher/exec_spec.h"

namespace launcher {

// Why dlv ended: what happened to what, and what to do next, on one line. `output` is what was
// written since its start (the last 64 KiB do), `code` its exit code, `signal` what killed it or 0.
// The debuggee writes to the same file: only whole lines in dlv's own form are believed, and only
// where dlv's exit code fits them.
std::string explain_failure(const exec_spec& spec, std::string_view output, int code, int signal);

// Advice about a dlv that runs, but not as one would wish (no debug information, …); one line each.
// `output` is what was written up to dlv's readiness: later lines may be the debuggee's.
std::vector<std::string> warnings_in(const exec_spec& spec, std::string_view output);

}  // namespace launcher
