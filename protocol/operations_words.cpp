// Expressions that are none but words to delvegate itself: the hub answers them, dlv never sees them. In the policy they
// are the operations of the control API: `baton`, `baton ask`, ….
#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "protocol/operations_judge.h"
#include "protocol/session_words.h"

namespace protocol::table {
namespace {

constexpr class_set observe{op_class::observe};
constexpr class_set control{op_class::control};
constexpr class_set lifecycle{op_class::lifecycle};
constexpr class_set reads{op_class::observe, op_class::read};
constexpr class_set pins{op_class::breakpoint, op_class::control};

struct verb {
    std::string_view name;
    class_set classes;
};
constexpr verb verbs[] = {{"", observe}, {"ask", control}, {"give", control}, {"take", lifecycle}, {"drop", control}};

// Beside baton and park: what follows the word, if anything may.
struct subject {
    std::string_view name;
    class_set asks;        // alone, to be told
    class_set does;        // with something behind it; none: nothing may follow
    bool changes = false;  // then
};
constexpr subject subjects[] = {
    {"who", observe, {}},
    // What the program prints is as good as its values, and so is what logpoints write.
    {"output", reads, reads},
    {"follow", reads, reads, true},
    {"unfollow", observe, observe, true},
    // A breakpoint that stays is a stop for those who come later.
    {"pin", observe, pins, true},
    {"unpin", pins, pins, true},
};

constexpr std::string_view typed_once = "type it into the debug console: here it would be repeated";

}  // namespace

bool judge_words(judged& j, std::string_view text, bool dap) {
    const auto words = read_session_words(text);
    if (!words) return false;
    // An IDE repeats watches and hovers by itself; what changes something is done once, where it was typed.
    const std::string_view context = dap ? j.arguments.get_string("context") : std::string_view();
    const bool repeated = !context.empty() && context != "repl";
    if (words->subject == "park" || (words->subject == "unpark" && words->names.empty())) {
        const bool asks = words->subject == "park" && words->text.empty();
        j.operation = asks ? "parked" : words->subject;
        j.how = service::local;
        j.classes = asks ? observe : control;
        if (!asks && repeated) refuse(j, std::string(typed_once));
        return true;
    }
    const auto* one = std::find_if(std::begin(subjects), std::end(subjects), [&](const subject& s) { return s.name == words->subject; });
    if (one != std::end(subjects) && (words->verb.empty() || !one->does.empty())) {
        const bool asks = words->verb.empty();
        j.operation = asks && words->subject == "pin" ? "pinned" : words->subject;
        j.how = service::local;
        j.classes = asks ? one->asks : one->does;
        if (one->changes && repeated && !(asks && words->subject == "pin")) refuse(j, std::string(typed_once));
        return true;
    }
    const auto* known = std::find_if(std::begin(verbs), std::end(verbs), [&](const verb& v) { return v.name == words->verb; });
    if (words->subject != "baton" || known == std::end(verbs)) {
        j.classes = observe;
        refuse(j, std::string(known_session_words));
        return true;
    }
    j.operation = "baton" + (words->verb.empty() ? "" : " " + words->verb);
    j.how = service::local;
    j.classes = known->classes;
    if (!words->verb.empty() && repeated) refuse(j, std::string(typed_once));
    return true;
}

}  // namespace protocol::table
