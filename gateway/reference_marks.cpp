#include "gateway/reference_marks.h"

#include <algorithm>
#include <charconv>

namespace gateway {

namespace {

constexpr std::string_view variable_key = "\"variablesReference\":";
constexpr std::string_view frame_key = "\"id\":";
constexpr std::string_view frames_key = "\"stackFrames\":";
constexpr std::size_t longest = variable_key.size() + 20;  // the name and a 64-bit number

void highest(std::string_view text, std::string_view key, std::int64_t& mark, std::int64_t* lowest = nullptr) {
    for (auto at = text.find(key); at != text.npos; at = text.find(key, at + key.size())) {
        std::int64_t n = 0;
        const auto* end = text.data() + text.size();
        const auto read = std::from_chars(text.data() + at + key.size(), end, n);
        mark = std::max(mark, n);
        // One that is cut would be too low.
        if (lowest && read.ptr != end && n > 0) *lowest = *lowest == 0 ? n : std::min(*lowest, n);
    }
}

}  // namespace

void reference_marks::see(std::string_view bytes, bool frames) {
    // A number cut at the end of a piece is read short here and whole with the next one: the mark only rises.
    const auto look_through = [&](std::string_view text) {
        highest(text, variable_key, variables_);
        if (!frames) return;
        if (!in_frames_) {
            const auto at = text.find(frames_key);
            if (at == text.npos) return;
            in_frames_ = true;
            text.remove_prefix(at);
        }
        highest(text, frame_key, frames_, &first_frame_);
    };
    if (!tail_.empty()) look_through(tail_ + std::string(bytes.substr(0, longest)));
    look_through(bytes);
    if (bytes.size() >= longest)
        tail_ = bytes.substr(bytes.size() - longest);
    else
        tail_ = (tail_ + std::string(bytes)).substr(tail_.size() + bytes.size() > longest
                                                        ? tail_.size() + bytes.size() - longest
                                                        : 0);
}

}  // namespace gateway
