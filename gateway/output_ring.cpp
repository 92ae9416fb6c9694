#include "gateway/output_ring.h"

#include <algorithm>

namespace gateway {

void output_ring::add(std::string_view text) {
    total_ += text.size();
    const auto too_many = kept_.size() + text.size();
    if (too_many <= most_) {
        kept_ += text;
        return;
    }
    auto drop = too_many - most_;
    const auto from_kept = std::min(drop, kept_.size());
    bool at_line = from_kept > 0 && kept_[from_kept - 1] == '\n';
    kept_.erase(0, from_kept);
    drop -= from_kept;
    if (drop > 0) at_line = text[drop - 1] == '\n';
    kept_ += text.substr(drop);
    cut_ = !at_line;
    // Never the rest of a character.
    std::size_t rest = 0;
    while (rest < kept_.size() && (static_cast<unsigned char>(kept_[rest]) & 0xc0u) == 0x80u) ++rest;
    kept_.erase(0, rest);
}

void output_ring::clear() {
    kept_.clear();
    cut_ = false;
}

std::vector<std::string> output_ring::last(std::size_t lines, std::uint64_t until) const {
    const auto begin = total_ - kept_.size();
    std::string_view text = kept_;
    if (until < begin) return {};
    text = text.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(until - begin, text.size())));
    if (cut_)
        if (const auto end = text.find('\n'); end != text.npos && end + 1 < text.size()) text.remove_prefix(end + 1);
    if (text.ends_with('\n')) text.remove_suffix(1);
    std::vector<std::string> out;
    bool more = !text.empty();
    while (more && out.size() < lines) {
        const auto at = text.rfind('\n');
        more = at != text.npos;
        auto line = more ? text.substr(at + 1) : text;
        if (line.ends_with('\r')) line.remove_suffix(1);
        out.emplace_back(line);
        if (more) text = text.substr(0, at);
    }
    std::reverse(out.begin(), out.end());
    return out;
}

}  // namespace gateway
