// The last of what a program has printed, for those who come later. Bounded; pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

class output_ring {
public:
    // At most so many bytes are kept; 0: none.
    explicit output_ring(std::size_t most) : most_(most) {}

    // Whole characters of UTF-8.
    void add(std::string_view text);
    // A new process has printed nothing yet.
    void clear();
    // Bytes added so far, kept or not: what is printed from now on begins there.
    std::uint64_t total() const { return total_; }

    static constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
    // The last `lines` lines of what was added before `until`, as far as they are kept, without their ends. A line of which
    // the beginning is not kept counts only where it is the only one.
    std::vector<std::string> last(std::size_t lines, std::uint64_t until = all) const;

private:
    const std::size_t most_;
    std::string kept_;
    std::uint64_t total_ = 0;
    bool cut_ = false;  // the first line's beginning is gone
};

}  // namespace gateway
