// Which variable and frame references dlv has handed out to a window, so that those of an earlier stop
// can be told from this one's: dlv counts them up and goes on answering old ones from its cache.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gateway {

class reference_marks {
public:
    // Bytes of responses as they pass, in any pieces. Looks for `"variablesReference":N` and, in the
    // answer to stackTrace, `"id":N` of its frames (an error has an id, too); inside a JSON string the
    // quote before the colon would be escaped.
    void see(std::string_view bytes, bool frames);
    void end_of_message() {
        tail_.clear();
        in_frames_ = false;
        first_frame_ = 0;
    }

    // The target has moved: what was handed out is of an earlier stop now.
    void retire() { retire_variables(), stale_frames_ = frames_; }
    // What dlv keeps of values is not true any more.
    void retire_variables() { stale_variables_ = variables_; }
    // The highest handed out so far.
    std::int64_t variables() const { return variables_; }
    std::int64_t frames() const { return frames_; }
    // The lowest of the frames in this message so far; 0: there are none.
    std::int64_t first_frame() const { return first_frame_; }

    bool stale_variable(std::int64_t reference) const { return reference > 0 && reference <= stale_variables_; }
    bool stale_frame(std::int64_t id) const { return id > 0 && id <= stale_frames_; }

private:
    std::string tail_;  // the end of the last piece, where a name or number may have been cut
    bool in_frames_ = false;  // behind "stackFrames" of this message
    std::int64_t variables_ = 0, frames_ = 0, first_frame_ = 0;
    std::int64_t stale_variables_ = 0, stale_frames_ = 0;
};

}  // namespace gateway
