// What a person types to delvegate itself where an expression is expected, a debug console or `print`:
// `delvegate baton give bob`. No Go expression has two names in a row, so nothing of the program's is hidden by it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace protocol {

struct session_words {
    std::string subject;             // "baton"
    std::string verb;                // "ask", "give", "take", "drop"; empty: only to be told
    std::vector<std::string> names;  // what follows
    std::string text;                // of park: all that follows it, as it was typed
};

// What there is, for whoever types something else: one line.
inline constexpr std::string_view known_session_words =
    "delvegate knows here: delvegate who; output [N]; baton, and baton ask, give [USER], take, drop; park NOTE, and unpark; pin and unpin "
    "FILE:LINE; follow USER or all, and unfollow";

// Nothing where the text is an expression. At most 16 words, but for park's.
std::optional<session_words> read_session_words(std::string_view text);

}  // namespace protocol
