#include "gateway/log_message.h"

#include "protocol/operations.h"

namespace gateway {

namespace {
std::string trimmed(std::string_view s) {
    constexpr std::string_view space = " \t\n\v\f\r";
    auto first = s.find_first_not_of(space);
    if (first == s.npos) return {};
    return std::string(s.substr(first, s.find_last_not_of(space) - first + 1));
}
// The expressions are evaluated as DAP's `evaluate` does it, which calls functions and obeys `dlv` commands too:
// whoever may trace may not have that done for them.
std::string not_only_read(const std::string& expression) {
    protocol::json arguments = protocol::json::object{};
    arguments.set("expression", expression);
    const auto judged = protocol::judge(protocol::dap_request{.seq = 1, .command = "evaluate", .arguments = std::move(arguments)});
    if (judged.how == protocol::service::look && judged.operation == "evaluate" &&
        judged.classes.within({protocol::op_class::observe, protocol::op_class::read}))
        return {};
    return "a log message may only read values, and {" + expression + "} does more; evaluate it by itself when the program stands";
}
}  // namespace

boost::system::result<log_message, std::string> parse_log_message(std::string_view message) {
    log_message out;
    out.text.emplace_back();
    std::string expression;
    int depth = 0;
    for (char c : message) {
        if (depth > 0) {
            if (c == '{') ++depth;
            if (c == '}' && --depth == 0) {
                auto cut = trimmed(expression);
                if (cut.empty()) return std::string("empty evaluation string");
                if (auto why = not_only_read(cut); !why.empty()) return why;
                out.expressions.push_back(std::move(cut));
                out.text.emplace_back();
                expression.clear();
                continue;
            }
            expression += c;
        } else if (c == '{') {
            depth = 1;
        } else if (c == '}') {
            return std::string("invalid log point format, unexpected '}'");
        } else {
            out.text.back() += c;
        }
    }
    if (depth > 0) return std::string("invalid log point format");
    return out;
}

}  // namespace gateway
