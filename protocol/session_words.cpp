#include "protocol/session_words.h"

#include <cctype>

namespace protocol {

namespace {

constexpr std::size_t max_words = 16;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == '\v'; }

}  // namespace

std::optional<session_words> read_session_words(std::string_view text) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at < text.size();) {
        while (at < text.size() && is_space(text[at])) ++at;
        const std::size_t begin = at;
        // A note is a sentence: it is kept whole.
        if (words.size() == 2 && words[0] == "delvegate" && words[1] == "park") {
            auto end = text.size();
            while (end > begin && is_space(text[end - 1])) --end;
            return session_words{"park", {}, {}, std::string(text.substr(begin, end - begin))};
        }
        while (at < text.size() && !is_space(text[at])) ++at;
        if (at == begin) break;
        if (words.size() == max_words) return std::nullopt;
        words.emplace_back(text.substr(begin, at - begin));
    }
    if (words.size() < 2 || words[0] != "delvegate" || std::isalpha(static_cast<unsigned char>(words[1][0])) == 0) return std::nullopt;
    session_words out;
    out.subject = std::move(words[1]);
    if (words.size() > 2) out.verb = std::move(words[2]);
    for (std::size_t i = 3; i < words.size(); ++i) out.names.push_back(std::move(words[i]));
    return out;
}

}  // namespace protocol
