// Bytes that have arrived and are not yet dealt with: what every decoder keeps.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace protocol {

class input_buffer {
public:
    // Invalidates earlier views. Bytes are moved at most once per byte consumed, and the memory of
    // a huge message is given back once it has been consumed.
    void append(std::string_view bytes) {
        if (begin_ == bytes_.size()) {
            if (bytes_.capacity() > keep_capacity) std::string().swap(bytes_);
            bytes_.clear();
            begin_ = 0;
        } else if (begin_ >= bytes_.size() - begin_) {
            bytes_.erase(0, begin_);
            begin_ = 0;
            if (bytes_.capacity() > keep_capacity && bytes_.size() < keep_capacity / 2)
                bytes_.shrink_to_fit();
        }
        bytes_.append(bytes);
    }
    void consume(std::size_t n) { begin_ += n; }
    std::string_view view() const { return std::string_view(bytes_).substr(begin_); }
    std::size_t size() const { return bytes_.size() - begin_; }

private:
    static constexpr std::size_t keep_capacity = 256 * 1024;
    std::string bytes_;
    std::size_t begin_ = 0;
};

}  // namespace protocol
