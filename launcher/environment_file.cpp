// Grammar (3) of unit_words.h: systemd's reading of an EnvironmentFile.
#include <string_view>

#include "launcher/unit_words.h"

namespace launcher {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_newline(char c) { return c == '\n' || c == '\r'; }

// Its state machine, a byte at a time. A carriage return ends a line as a newline does.
class reader {
public:
    explicit reader(int systemd_version) : version_(systemd_version) {}

    void take(char c) {
        switch (state_) {
            case state::before_key:
                if (c == '#' || c == ';')
                    state_ = state::comment;
                else if (!is_blank(c)) {
                    state_ = state::key;
                    key_.assign(1, c);
                }
                break;
            case state::key:
                if (is_newline(c))
                    state_ = state::before_key;
                else if (c == '=')
                    begin_value();
                else
                    key_ += c;
                break;
            case state::before_value: before_value(c); break;
            case state::value: in_value(c); break;
            case state::value_escape:
                state_ = state::value;
                if (!is_newline(c)) keep(c);
                break;
            case state::single_quote:
                if (c == '\'')
                    state_ = state::before_value;
                else
                    value_ += c;
                break;
            case state::double_quote:
                if (c == '"')
                    state_ = state::before_value;
                else if (c == '\\')
                    state_ = state::double_quote_escape;
                else
                    value_ += c;
                break;
            case state::double_quote_escape:
                state_ = state::double_quote;
                if (std::string_view("\"\\`$").find(c) != std::string_view::npos)
                    value_ += c;
                else if (c != '\n')
                    value_ += {'\\', c};
                break;
            case state::comment:
                if (c == '\\')
                    state_ = state::comment_escape;
                else if (is_newline(c))
                    state_ = state::before_key;
                break;
            case state::comment_escape:
                state_ = version_ >= 254 && is_newline(c) ? state::before_key : state::comment;
                break;
        }
    }

    outcome<environment_list> finish() {
        if (state_ != state::before_key && state_ != state::key && state_ != state::comment &&
            state_ != state::comment_escape)
            end_value(state_ == state::value);
        if (!utf8_) return outcome<environment_list>("it is not UTF-8, which systemd refuses");
        return std::move(found_);
    }

private:
    enum class state {
        before_key,
        key,
        before_value,
        value,
        value_escape,
        single_quote,
        double_quote,
        double_quote_escape,
        comment,
        comment_escape
    };

    void begin_value() {
        state_ = state::before_value;
        value_.clear();
        trailing_ = std::string::npos;
    }

    void before_value(char c) {
        if (is_newline(c)) {
            end_value(false);
        } else if (c == '\'') {
            state_ = state::single_quote;
        } else if (c == '"') {
            state_ = state::double_quote;
        } else if (c == '\\') {
            state_ = state::value_escape;
        } else if (!is_blank(c)) {
            state_ = state::value;
            value_ += c;
        }
    }

    void in_value(char c) {
        if (is_newline(c)) {
            end_value(true);
        } else if (c == '\\') {
            state_ = state::value_escape;
            trailing_ = std::string::npos;
        } else if (is_blank(c)) {
            if (trailing_ == std::string::npos) trailing_ = value_.size();
            value_ += c;
        } else {
            keep(c);
        }
    }

    void keep(char c) {
        if (state_ == state::value && !is_blank(c)) trailing_ = std::string::npos;
        value_ += c;
    }

    void end_value(bool trim) {
        state_ = state::before_key;
        while (!key_.empty() && is_blank(key_.back())) key_.pop_back();
        if (trim && trailing_ != std::string::npos) value_.resize(trailing_);
        // systemd refuses the whole file for it, wherever it stands but in a comment.
        utf8_ = utf8_ && valid_utf8(key_) && valid_utf8(value_);
        if (valid_variable_name(key_)) merge_environment(found_, {key_ + "=" + value_});
    }

    int version_;
    state state_ = state::before_key;
    std::string key_, value_;
    std::size_t trailing_ = std::string::npos;  // where blanks at the value's end begin
    environment_list found_;
    bool utf8_ = true;
};

}  // namespace

outcome<environment_list> parse_environment_file(std::string_view text, int systemd_version) {
    if (text.find('\0') != std::string_view::npos)
        return outcome<environment_list>("it has a NUL byte, which systemd refuses");
    reader lines(systemd_version);
    for (const char c : text) lines.take(c);
    return lines.finish();
}

}  // namespace launcher
