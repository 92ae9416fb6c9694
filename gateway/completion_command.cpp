#include "gateway/completion_command.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "gateway/completion.h"
#include "gateway/completion_names.h"
#include "protocol/json.h"

namespace gateway {
namespace {

constexpr unsigned patience_seconds = 2;

constexpr const char* bash_script = R"(# bash completion for delvegate: `delvegate completion bash` prints it
_delvegate() {
    local program=${1/#\~/$HOME} word about
    COMPREPLY=()
    type -P "$program" >/dev/null || program=delvegate
    while IFS=$'\t' read -r word about; do
        case $word in
            :files) compopt -o default ;;
            :directories) compopt -o dirnames ;;
            *)
                printf -v word %q "$word"
                COMPREPLY+=("$word")
                ;;
        esac
    done < <("$program" complete-words --line "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
}
complete -F _delvegate delvegate
)";

constexpr const char* zsh_script = R"(#compdef delvegate
# zsh completion for delvegate: `delvegate completion zsh` prints it
_delvegate() {
    local word about paths
    local -a found shown
    while IFS=$'\t' read -r word about; do
        case $word in
            :*) paths=$word ;;
            *)
                found+=("$word")
                shown+=("$word${about:+  -- $about}")
                ;;
        esac
    done < <("${(Q)words[1]}" complete-words --words "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    [[ -n $paths ]] && compset -P '*='
    case $paths in
        :files) _files ;;
        :directories) _files -/ ;;
        *)
            if [[ ${shown[(r)*  -- *]} ]]; then
                compadd -l -d shown -a -- found
            else
                compadd -a -- found
            fi
            ;;
    esac
}
if [[ ${funcstack[1]} == _delvegate ]]; then
    _delvegate "$@"
else
    compdef _delvegate delvegate
fi
)";

constexpr const char* fish_script = R"(# fish completion for delvegate: `delvegate completion fish` prints it
function __delvegate_words
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    for line in ($words[1] complete-words --words $words "$typed" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (string replace -r '^--[a-z-]+=' '' -- "$typed")
            case :directories
                __fish_complete_directories (string replace -r '^--[a-z-]+=' '' -- "$typed")
            case '*'
                printf '%s\n' $line
        end
    end
end
complete -c delvegate -f -a '(__delvegate_words)'
)";

struct shell {
    const char* name;
    const char* script;
    const char* where;
};
constexpr std::array shells{
    shell{"bash", bash_script, "~/.local/share/bash-completion/completions/delvegate"},
    shell{"zsh", zsh_script, "_delvegate in a directory of $fpath"},
    shell{"fish", fish_script, "~/.config/fish/completions/delvegate.fish"},
};

constexpr const char* footer = R"(
The Debian package installs all three. Commands and options are completed, and
the names of components, people, sessions and contexts: of this host, or of the
gateway that the line or the current context names, which is asked for that.

Examples:
  delvegate completion bash > ~/.local/share/bash-completion/completions/delvegate
  delvegate completion fish > ~/.config/fish/completions/delvegate.fish
  source <(delvegate completion zsh)     # in ~/.zshrc, behind compinit

Exit codes: 0 done; 2 command line.)";

// The part of a word that bash does not replace.
std::size_t kept_by_bash(const std::string& word, std::string_view breaks) {
    // Only these two are in words of ours; a blank is one, too, and stands in a quoted word that bash sees as one.
    std::string ours;
    for (const char c : {'=', ':'})
        if (breaks.find(c) != breaks.npos) ours += c;
    const auto at = ours.empty() ? word.npos : word.find_last_of(ours);
    return at == word.npos ? 0 : at + 1;
}

void print(const std::string& text, std::size_t cut, const std::string& about = {}) {
    if (text.size() < cut) return;
    std::printf("%s%s%s\n", text.c_str() + cut, about.empty() ? "" : "\t", about.c_str());
}

}  // namespace

int run_complete_words(const CLI::App& app, int argc, char** argv) {
    // A shell waits for this at each press of a key: it may come too late, never loudly.
    if (const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC); nowhere >= 0) {
        ::dup2(nowhere, STDERR_FILENO);
        ::close(nowhere);
    }
    std::signal(SIGALRM, [](int) { ::_exit(0); });
    ::alarm(patience_seconds);
    try {
        std::vector<std::string> words(argv, argv + argc);
        std::size_t cut = 0;
        if (words.size() >= 2 && words[0] == "--words") {
            words.erase(words.begin());
        } else if (words.size() == 3 && words[0] == "--line") {
            const std::string breaks = words[1];
            words = split_line(std::string(words[2]));
            cut = kept_by_bash(words.back(), breaks);
        } else {
            return 0;
        }
        const auto found = complete(app, words);
        for (const auto& one : found.words) print(one.text, cut, one.about);
        if (found.paths != path_kind::none) std::puts(found.paths == path_kind::file ? ":files" : ":directories");
        std::fflush(stdout);  // what is known is said before others are asked
        for (const auto& one : names_for(found)) print(found.before + one, cut);
        std::fflush(stdout);
    } catch (const std::exception&) {
    }
    return 0;
}

void add_completion_command(CLI::App& app, int& exit_code) {
    auto* completion = app.add_subcommand("completion", "Print the script by which a shell completes delvegate's words");
    completion->require_subcommand(1);
    completion->footer(footer);
    for (const auto& one : shells) {
        auto* command = completion->add_subcommand(one.name, std::string("The script for ") + one.name);
        command->footer(footer);
        const auto output = std::make_shared<std::string>("text");
        command->add_option("--output", *output, "text: the script itself; json: the script, and where it belongs")
            ->type_name("FORMAT")
            ->check(CLI::IsMember({"text", "json"}))
            ->capture_default_str();
        command->callback([one, output, &exit_code] {
            if (*output == "json")
                std::printf("%s\n", protocol::to_text(protocol::json(protocol::json::object{{"shell", one.name}, {"script", one.script}, {"place", one.where}})).c_str());
            else
                std::fputs(one.script, stdout);
            exit_code = std::ferror(stdout) ? 1 : 0;
        });
    }
}

}  // namespace gateway
