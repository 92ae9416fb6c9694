// `delvegate completion bash|zsh|fish`, and what the scripts it prints call.
#pragma once

#include <CLI/CLI.hpp>

#include <string_view>

namespace gateway {

void add_completion_command(CLI::App& app, int& exit_code);

// The subcommand that the scripts call. It is no part of `app`, whose words it must take as they are:
//   complete-words --words PROGRAM WORD…          the last word is the one being typed
//   complete-words --line WORDBREAKS LINE         a line of bash up to the cursor; what stands before the last of
//                                                 WORDBREAKS in its last word is left out of the answer
// Prints a candidate a line, WORD or WORD<tab>what it is; `:files` or `:directories` where paths fit. Never takes longer than two
// seconds, never writes an error; always 0.
inline constexpr std::string_view complete_words = "complete-words";
int run_complete_words(const CLI::App& app, int argc, char** argv);

}  // namespace gateway
