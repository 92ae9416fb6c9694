#include "auth/audit_redact.h"

#include <re2/re2.h>

namespace auth {
namespace {

constexpr std::size_t max_text = 64 * 1024;
constexpr std::size_t max_rules = 64;
constexpr std::size_t max_pattern = 1024;

RE2::Options options() {
    RE2::Options out;
    out.set_log_errors(false);
    out.set_max_mem(1 << 20);
    // Bytes, not characters: text that is not UTF-8 must not slip past a rule.
    out.set_encoding(RE2::Options::EncodingLatin1);
    return out;
}

}  // namespace

struct audit_redactor::rule {
    explicit rule(const std::string& pattern) : expression(pattern, options()) {}
    RE2 expression;
};

audit_redactor::audit_redactor() = default;
audit_redactor::~audit_redactor() = default;
audit_redactor::audit_redactor(audit_redactor&&) noexcept = default;
audit_redactor& audit_redactor::operator=(audit_redactor&&) noexcept = default;

outcome<audit_redactor> audit_redactor::make(const std::vector<std::string>& rules) {
    const auto failed = [](std::string why) { return outcome<audit_redactor>(boost::system::in_place_error, std::move(why)); };
    audit_redactor out;
    if (rules.size() > max_rules) return failed("more than " + std::to_string(max_rules) + " rules");
    for (const std::string& pattern : rules) {
        if (pattern.size() > max_pattern) return failed("a rule of more than " + std::to_string(max_pattern) + " bytes");
        auto made = std::make_unique<rule>(pattern);
        if (!made->expression.ok()) return failed("\"" + pattern + "\" is not a regular expression (RE2): " + made->expression.error());
        if (RE2::FullMatch("", made->expression)) return failed("\"" + pattern + "\" matches the empty text; say what has to be there");
        out.rules_.push_back(std::move(made));
    }
    return out;
}

std::string audit_redactor::redact(std::string_view text) const {
    std::string out(text.substr(0, max_text));
    for (const auto& one : rules_) {
        const re2::StringPiece piece(out);
        // A match that RE2 gave up on (its memory is bounded) looks like none; RE2 then falls back to its
        // slower, still linear engine, so that this does not happen for a rule within max_pattern.
        if (RE2::PartialMatch(piece, one->expression)) RE2::GlobalReplace(&out, one->expression, "[redacted]");
    }
    if (text.size() > max_text) out += "…[" + std::to_string(text.size()) + " bytes]";
    return out;
}

}  // namespace auth
