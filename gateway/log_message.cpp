#include "gateway/log_message.h"

namespace gateway {

namespace {
std::string trimmed(std::string_view s) {
    constexpr std::string_view space = " \t\n\v\f\r";
    auto first = s.find_first_not_of(space);
    if (first == s.npos) return {};
    return std::string(s.substr(first, s.find_last_not_of(space) - first + 1));
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
