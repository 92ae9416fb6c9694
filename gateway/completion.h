// Which words may come next on a command line of this program, found in its own CLI11 app: what --help shows is what can be
// completed, and nothing is written twice. Pure; names that must be asked for are completion_names' to find.
#pragma once

#include <CLI/CLI.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

enum class name_kind { none, component, person, context, session, operation };
enum class path_kind { none, file, directory };

struct completion_word {
    std::string text;
    std::string about;  // one line; may be empty
};

struct completion {
    std::vector<completion_word> words;  // that fit what is typed of the last word
    name_kind names = name_kind::none;   // these fit, too, where they begin with `typed`
    path_kind paths = path_kind::none;   // ... and so do these
    std::string typed;                   // of the name, without `before`
    std::string before;                  // of the last word: "--user="; names are completed to before + name
    // What the line says so far: options by their long names ("--gateway"), and the subcommands ("sessions", "kill").
    std::map<std::string, std::string> given;
    std::vector<std::string> commands;
};

// `words` begins with the program's name and ends with the word that is being typed, which may be empty.
completion complete(const CLI::App& program, const std::vector<std::string>& words);

// A line of bash, up to the cursor, in words: quotes and backslashes are taken off, the last word may be empty or open.
std::vector<std::string> split_line(std::string_view line);

}  // namespace gateway
