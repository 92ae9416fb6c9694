#include "gateway/completion.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

namespace gateway {
namespace {

// Of the app and its option groups, which CLI11 has as subcommands without a name. What --help hides is left out.
void add_options(const CLI::App& app, std::vector<const CLI::Option*>& to) {
    for (const auto* one : app.get_options())
        if (!one->get_group().empty()) to.push_back(one);
    for (const auto* group : app.get_subcommands([](const CLI::App* one) { return one->get_name().empty(); })) add_options(*group, to);
}

std::vector<const CLI::Option*> options_of(const CLI::App& app) {
    std::vector<const CLI::Option*> out;
    add_options(app, out);
    return out;
}

std::vector<const CLI::App*> subcommands_of(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App* one) { return !one->get_name().empty() && !one->get_group().empty(); });
}

std::vector<const CLI::Option*> positionals_of(const CLI::App& app) {
    auto out = options_of(app);
    std::erase_if(out, [](const auto* one) { return !one->get_positional(); });
    return out;
}

bool takes_value(const CLI::Option& one) { return one.get_items_expected_max() > 0; }
bool repeats(const CLI::Option& one) { return one.get_items_expected_max() > 1; }

const CLI::Option* option_named(const CLI::App& app, std::string_view name) {
    const bool is_long = name.starts_with("--");
    const std::string bare(name.substr(is_long ? 2 : 1));
    for (const auto* one : options_of(app)) {
        const auto& names = is_long ? one->get_lnames() : one->get_snames();
        if (std::find(names.begin(), names.end(), bare) != names.end()) return one;
    }
    return nullptr;
}

std::string long_name(const CLI::Option& one) {
    if (!one.get_lnames().empty()) return "--" + one.get_lnames().front();
    return one.get_snames().empty() ? std::string() : "-" + one.get_snames().front();
}

std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

// Its choices, as the check IsMember describes them: "FORMAT:{text,json}".
std::vector<std::string> choices_of(const CLI::Option& one) {
    const std::string type = one.get_type_name();
    const auto open = type.find('{'), close = type.find('}');
    std::vector<std::string> out;
    if (open == type.npos || close == type.npos || close < open) return out;
    std::string word;
    for (const char c : type.substr(open + 1, close - open - 1) + ",") {
        if (c == ',')
            out.push_back(std::exchange(word, {}));
        else
            word += c;
    }
    return out;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

class walk {
public:
    explicit walk(const CLI::App& program) : app_(&program) {}

    void past(const std::string& word) {
        if (wants_) {
            out_.given[long_name(*wants_)] = word;
            wants_ = nullptr;
        } else if (only_positionals_ || !word.starts_with("-") || word == "-") {
            if (!enter(word)) ++positional_;
        } else if (word == "--") {
            only_positionals_ = true;
        } else {
            option(word);
        }
    }

    completion last(const std::string& word) {
        if (wants_) {
            value(*wants_, word, {});
        } else if (!only_positionals_ && word.starts_with("--") && word.find('=') != word.npos) {
            const auto equals = word.find('=');
            const auto* one = option_named(*app_, std::string_view(word).substr(0, equals));
            if (one && takes_value(*one)) value(*one, word.substr(equals + 1), word.substr(0, equals + 1));
        } else if (!only_positionals_ && word.starts_with("-")) {
            for (const auto* one : options_of(*app_)) {
                const auto name = long_name(*one);
                if (!name.empty() && (repeats(*one) || !out_.given.contains(name))) offer(name, one->get_description(), word, {});
            }
        } else {
            if (positional_ == 0 && !only_positionals_)
                for (const auto* one : subcommands_of(*app_)) offer(one->get_name(), one->get_description(), word, {});
            const auto positionals = positionals_of(*app_);
            // The last of them may be many.
            if (positional_ < positionals.size())
                value(*positionals[positional_], word, {});
            else if (!positionals.empty() && repeats(*positionals.back()))
                value(*positionals.back(), word, {});
        }
        return std::move(out_);
    }

private:
    bool enter(const std::string& word) {
        if (positional_ > 0 || only_positionals_) return false;
        for (const auto* one : subcommands_of(*app_)) {
            if (one->get_name() != word) continue;
            app_ = one;
            out_.commands.push_back(word);
            return true;
        }
        return false;
    }

    void option(const std::string& word) {
        const auto equals = word.find('=');
        const auto* one = option_named(*app_, std::string_view(word).substr(0, equals));
        if (!one) return;
        if (takes_value(*one) && equals == word.npos)
            wants_ = one;
        else
            out_.given[long_name(*one)] = equals == word.npos ? std::string() : word.substr(equals + 1);
    }

    void offer(const std::string& text, const std::string& about, const std::string& typed, const std::string& before) {
        if (text.starts_with(typed)) out_.words.push_back({before + text, first_line(about)});
    }

    void value(const CLI::Option& of, const std::string& typed, const std::string& before) {
        out_.typed = typed;
        out_.before = before;
        for (const auto& choice : choices_of(of)) offer(choice, {}, typed, before);
        const std::string name = lower(of.get_positional() && of.get_lnames().empty() ? of.get_single_name() : of.get_lnames().front());
        const std::string type = of.get_type_name();
        const auto& last = out_.commands.empty() ? std::string() : out_.commands.front();
        if (name == "component")
            out_.names = name_kind::component;
        else if (name == "user")
            out_.names = name_kind::person;
        else if ((name == "context" && last != "enroll") || (name == "name" && last == "context"))
            out_.names = name_kind::context;
        else if (name == "session")
            out_.names = name_kind::session;
        else if (name == "operation")
            out_.names = name_kind::operation;
        else if (type == "FILE" || type == "PROGRAM" || name == "file" || name == "arguments")
            out_.paths = path_kind::file;
        else if (type == "DIR")
            out_.paths = path_kind::directory;
    }

    const CLI::App* app_;
    const CLI::Option* wants_ = nullptr;  // the option whose value comes next
    std::size_t positional_ = 0;
    bool only_positionals_ = false;  // behind --
    completion out_;
};

}  // namespace

completion complete(const CLI::App& program, const std::vector<std::string>& words) {
    walk along(program);
    if (words.size() < 2) return {};
    for (std::size_t i = 1; i + 1 < words.size(); ++i) along.past(words[i]);
    return along.last(words.back());
}

std::vector<std::string> split_line(std::string_view line) {
    std::vector<std::string> out;
    std::optional<std::string> word;
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
            word = word.value_or("") + line[++i];
        } else if (quote != 0 && c == quote) {
            quote = 0;
        } else if (quote == 0 && (c == '\'' || c == '"')) {
            quote = c;
            if (!word) word.emplace();
        } else if (quote == 0 && (c == ' ' || c == '\t')) {
            if (word) out.push_back(std::move(*word));
            word.reset();
        } else {
            word = word.value_or("") + c;
        }
    }
    out.push_back(word.value_or(""));
    return out;
}

}  // namespace gateway
