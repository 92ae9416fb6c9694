// systemd's three grammars, which are three different ones: how it splits a line into words, how it expands variables
// in words that are split already, and how it reads an EnvironmentFile. Pure.
//
// systemd itself is the oracle: tests/integration/launcher compares them with a real one, on 252.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "launcher/outcome.h"

namespace launcher {

// (1) A line into words: blanks separate, quotes group and vanish, C escapes are decoded. ExecStart= keeps an escape
// it does not know as it stands; an unclosed quote is an error, and so is a bare `;`, which begins another command (`\;`
// is the character). Specifiers (%n) are another step and stay.
outcome<std::vector<std::string>> split_exec_words(std::string_view line);

// The same for Environment=, which drops the rest of the line from the first word that it cannot read, and what is not
// NAME=VALUE with a valid name.
std::vector<std::string> split_environment(std::string_view line);

// The word as (1) gives it back, in double quotes where they are needed. `%` is doubled, against specifiers.
// `$` is left alone, since expansion comes later whatever the quotes: see literal().
std::string quote_word(std::string_view word);
// All of them with blanks between; a word `;` is quoted, lest it begin a second command.
std::string quote_words(const std::vector<std::string>& words);
// With every `$` doubled, so that (2) gives it back as it is.
std::string literal(std::string_view word);

using environment_list = std::vector<std::string>;  // NAME=VALUE; of one name the last wins

// (2) At exec time, on each word. A word that begins with $NAME is the variable's value, split; the whole rest of the
// word is the name. ${NAME} anywhere is the value as it is. $$ is $.
std::vector<std::string> expand_words(const std::vector<std::string>& words, const environment_list& variables);

// (3) An EnvironmentFile's text. What is not NAME=VALUE with a valid name is left out; text that is not UTF-8 or has a
// NUL byte is an error, as it is for systemd. `systemd_version`: from 254 on a `\` at the end of a comment joins
// nothing.
outcome<environment_list> parse_environment_file(std::string_view text, int systemd_version = 252);

// `added` over `base`: of one name the last wins, in the place of the first.
void merge_environment(environment_list& base, const environment_list& added);
// UnsetEnvironment=: by name, or by NAME=VALUE exactly.
void unset_environment(environment_list& variables, const std::vector<std::string>& unset);

bool valid_variable_name(std::string_view name);
bool valid_utf8(std::string_view text);

}  // namespace launcher
