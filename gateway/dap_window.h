// One DAP session with dlv that only looks: opened for one viewer, used only while the target stands
// still, never continued or stepped (design §5.1). Requests go one after another.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "gateway/upstream.h"
#include "protocol/dap.h"
#include "protocol/json.h"

namespace gateway {

struct dap_outcome {
    bool lost = false;
    bool success = false;
    std::string error;       // one line, of a failure or a loss
    protocol::json message;  // the whole response
};

// Takes a response as it arrives.
class response_sink {
public:
    virtual ~response_sink() = default;
    // `rest` bytes follow in pieces: the body after `"request_seq":N`, so beginning with a comma. False:
    // they are not wanted; they are dropped, and nothing more is said of this response.
    virtual bool begin(std::uint64_t rest) = 0;
    virtual bool piece(std::string_view bytes, bool last) = 0;  // false: wait for resume()
    virtual void broken(std::string_view reason) = 0;
    virtual void sent() {}  // the request is on its way to dlv
};

class dap_window {
public:
    struct handlers {
        std::function<void(std::string_view event, const protocol::json& body)> event;
        std::function<void(std::string)> closed;  // once, after pending requests were told
    };
    dap_window(asio::io_context& context, const upstream_route& route, handlers on);

    // A response that is read whole and an event have at most 64 MiB: a larger one is dropped as it
    // comes, and is a failure to whoever waits for it.
    using on_response = std::function<void(dap_outcome)>;
    void call(std::string command, protocol::json arguments, on_response done);
    void stream(std::string command, protocol::json arguments, response_sink& sink);
    void forget(response_sink& sink);
    void resume() { socket_.resume(); }
    bool busy() const { return sent_ || !queue_.empty(); }

private:
    struct waiting {
        protocol::dap_request request;
        on_response whole;
        response_sink* sink = nullptr;
    };
    void send_next();
    void received(std::string_view bytes);
    bool read_head();
    void body_piece(std::string_view bytes);
    void message_done();
    void dropped();
    void lost(std::string reason);

    handlers on_;
    std::int64_t next_seq_ = 1;
    bool sent_ = false;  // queue_.front() is on its way
    std::deque<waiting> queue_;

    std::string buffer_;            // header, then the body's beginning or all of it
    std::uint64_t body_left_ = 0;   // of the message being read, not yet seen
    enum class reading { header, head, whole, streaming, dropping } mode_ = reading::header;
    std::uint64_t body_size_ = 0;
    bool awaited_ = false;  // it answers queue_.front()
    bool failed_ = false;
    upstream socket_;
};

}  // namespace gateway
