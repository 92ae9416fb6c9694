// One JSON-RPC connection to dlv: requests out, replies matched by id, whole or as they arrive.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/upstream.h"
#include "protocol/json.h"

namespace gateway {

// A reply read whole.
struct rpc_outcome {
    bool lost = false;   // the connection broke first; `error` says how
    std::string error;   // dlv's error text, or why it was lost; empty on success
    std::string result;  // the JSON text of "result"
    bool ok() const { return error.empty() && !lost; }
};

// Takes a reply as it arrives, for those of any size.
class reply_sink {
public:
    virtual ~reply_sink() = default;
    // Bytes of dlv's line after `{"id":N`, so beginning with `,"result":`; the last piece ends with
    // the newline. Returns false to make the channel wait for resume().
    virtual bool piece(std::string_view bytes, bool last) = 0;
    virtual void broken(std::string_view reason) = 0;  // no piece follows
    virtual void sent() {}                             // the request is on its way to dlv
};

class rpc_channel {
public:
    // `closed` is called once when the connection is lost, after every pending reply was told.
    rpc_channel(asio::io_context& context, const upstream_route& route,
                std::function<void(std::string)> closed);

    using on_reply = std::function<void(rpc_outcome)>;
    // A reply that is read whole has at most 64 MiB: a larger one is dropped as it comes, and is an error.
    // `params` is the JSON text of the one argument, e.g. `{"NonBlocking":true}`.
    void call(std::string_view method, std::string_view params, on_reply done);
    // `sink` must live until its last piece, broken(), or forget(sink).
    void stream(std::string_view method, std::string_view params, reply_sink& sink);
    // The sink's owner goes away: what is left of its reply is read and dropped.
    void forget(reply_sink& sink);
    void resume();

    std::size_t pending() const { return pending_.size(); }

private:
    struct waiting {
        on_reply whole;
        reply_sink* sink = nullptr;
    };
    std::uint64_t write(std::string_view method, std::string_view params);
    void received(std::string_view bytes);
    void lost(std::string reason);
    bool begin_line();
    void finish_line();

    std::function<void(std::string)> closed_;
    std::uint64_t next_id_ = 1;
    std::map<std::uint64_t, waiting> pending_;

    // The line being read: its head is collected until the id is known, then it is handed on or kept.
    std::string line_;
    bool in_body_ = false;
    bool dropping_ = false;  // a whole reply that has become too large
    bool failed_ = false;
    waiting current_;
    upstream socket_;
};

}  // namespace gateway
