// DAP's evaluate is told apart by its expression's text, whatever the context (hover, watch, repl),
// byte for byte as Delve v1.27.1 does it: service/dap/server.go, onEvaluateRequest; command.go.
#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "protocol/operations_judge.h"
#include "protocol/operations_types.h"

namespace protocol::table {
namespace {

constexpr class_set observe{op_class::observe};
constexpr class_set read{op_class::read};
constexpr class_set lifecycle{op_class::lifecycle};

constexpr std::string_view one_target =
    "`dlv target` is refused: a component has one target, and follow-exec is not offered";

constexpr row forms[] = {
    {"evaluate call", service::call, {op_class::mutate}, &types::evaluate},
    {"evaluate dlv config", service::look, observe, &types::evaluate},
    {"evaluate dlv sources", service::look, observe, &types::evaluate},
    {"evaluate dlv help", service::look, observe, &types::evaluate},
    {"evaluate dlv examinemem", service::look, read, &types::evaluate},
    {"evaluate dlv target", service::refuse, lifecycle, &types::evaluate, nullptr, one_target},
    // Delve has no such command and says so.
    {"evaluate dlv", service::look, observe, &types::evaluate},
};

void take(judged& j, std::string_view form) {
    const row* r = find(forms, form);
    j.how = r->how;
    j.classes = r->classes;
    j.operation = r->name;
    j.reason = r->reason;
}

// RE2's \s.
bool is_re2_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

// `^\s*WORD\s+\S+`
bool begins_with_word(std::string_view text, std::string_view word) {
    std::size_t i = 0;
    while (i < text.size() && is_re2_space(text[i])) ++i;
    if (text.substr(i, word.size()) != word) return false;
    i += word.size();
    const std::size_t space = i;
    while (i < text.size() && is_re2_space(text[i])) ++i;
    return i > space && i < text.size();
}

// unicode.IsSpace
constexpr std::array<std::string_view, 25> spaces{
    "\t", "\n", "\v", "\f", "\r", " ", "\u0085", "\u00a0", "\u1680",
    "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
    "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};

// strings.TrimSpace
std::string_view trim(std::string_view text) {
    for (bool found = true; found;) {
        found = false;
        for (std::string_view space : spaces) {
            if (text.starts_with(space)) {
                text.remove_prefix(space.size());
                found = true;
            }
            if (text.ends_with(space)) {
                text.remove_suffix(space.size());
                found = true;
            }
        }
    }
    return text;
}

struct two_parts {
    std::string_view first;
    std::string_view rest;
};

// strings.SplitN(s, " ", 2)
two_parts split(std::string_view text) {
    const auto space = text.find(' ');
    if (space == text.npos) return {text, {}};
    return {text.substr(0, space), text.substr(space + 1)};
}

// config.Split2PartsBySpace
two_parts split_and_trim(std::string_view text) {
    const two_parts parts = split(text);
    return {trim(parts.first), trim(parts.rest)};
}

// Whether strconv.Atoi would read a number above `most`; what it would not read, Delve refuses.
bool exceeds(std::string_view text, std::int64_t most) {
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t value = 0;
    auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    return ec == std::errc() && end == text.data() + text.size() && value > most;
}

void judge_config(judged& j, std::string_view arguments, const clamps& limits) {
    const auto [name, value] = split_and_trim(arguments);
    if (name == "followExec" || name == "followExecRegex")
        return refuse(j, std::string(one_target));
    // Labels are values that the program set: from then on thread names show them, or which threads
    // there are tells them.
    if (name == "showPprofLabels" || name == "goroutineFilters") j.classes.add(op_class::read);
    std::int64_t most = clamps::unlimited;
    if (name == "stackTraceDepth") most = limits.max_stack_depth;
    if (name == "maxStringLen") most = limits.max_string_len;
    if (name == "maxArrayValues") most = limits.max_array_values;
    if (exceeds(value, most))
        j.arguments.set("expression", json(std::string("dlv config ")
                                               .append(name)
                                               .append(" ")
                                               .append(std::to_string(most))));
}

// api.ParseExamineMemoryArg multiplies -count by -size; beyond int64 Delve allocates a negative
// number of bytes. No number of 15 characters gets there, in any base Go reads.
void judge_examinemem(judged& j, std::string_view arguments) {
    constexpr std::size_t longest = 15;
    bool is_count = false;
    while (!arguments.empty()) {
        const auto [word, rest] = split(arguments);
        arguments = rest;
        if (word.empty()) continue;
        if (is_count && word.size() > longest)
            return refuse(j, "the count of `dlv examinemem` is out of range");
        if (word == "-x") return;  // what follows is the expression
        is_count = word == "-count" || word == "-len";
    }
}

void judge_delve_command(judged& j, std::string expression, const clamps& limits) {
    constexpr std::string_view prefix = "dlv ";
    if (const auto found = expression.find(prefix); found != expression.npos)
        expression.erase(found, prefix.size());
    const auto [name, rest] = split(trim(expression));
    const std::string_view arguments = trim(rest);
    if (name == "config") {
        take(j, "evaluate dlv config");
        judge_config(j, arguments, limits);
    } else if (name == "sources" || name == "s") {
        take(j, "evaluate dlv sources");
    } else if (name == "help" || name == "h") {
        take(j, "evaluate dlv help");
    } else if (name == "examinemem" || name == "x") {
        take(j, "evaluate dlv examinemem");
        judge_examinemem(j, arguments);
    } else if (name == "target") {
        take(j, "evaluate dlv target");
    } else {
        take(j, "evaluate dlv");
    }
}

}  // namespace

std::span<const row> evaluate_rows() { return forms; }

void judge_evaluate(judged& j, const clamps& limits) {
    const std::string expression(j.arguments.get_string("expression"));
    if (judge_words(j, expression, true)) return;
    if (begins_with_word(expression, "dlv"))
        judge_delve_command(j, expression, limits);
    else if (begins_with_word(expression, "call"))
        take(j, "evaluate call");
}

}  // namespace protocol::table
