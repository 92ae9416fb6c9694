// Bytes in, bytes out, in order; gives its memory back when it empties.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gateway {

class byte_queue {
public:
    void append(std::string_view bytes) {
        // Moving what is left costs less than what was taken since: amortised constant.
        if (begin_ > bytes_.size() / 2) {
            bytes_.erase(0, begin_);
            begin_ = 0;
        }
        bytes_.append(bytes);
    }
    std::size_t size() const { return bytes_.size() - begin_; }
    bool empty() const { return size() == 0; }
    std::string_view front(std::size_t at_most) const {
        return std::string_view(bytes_).substr(begin_, at_most);
    }
    // From `offset` bytes behind the front.
    std::string_view at(std::size_t offset, std::size_t at_most) const {
        return std::string_view(bytes_).substr(begin_ + offset, at_most);
    }
    void drop(std::size_t n) {
        begin_ += n;
        if (begin_ == bytes_.size()) clear();
    }
    void clear() {
        begin_ = 0;
        if (bytes_.capacity() > 4096)
            std::string().swap(bytes_);
        else
            bytes_.clear();
    }

private:
    std::string bytes_;
    std::size_t begin_ = 0;
};

}  // namespace gateway
