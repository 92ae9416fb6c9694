#include "gateway/rpc_channel.h"

#include <cstring>

#include "protocol/operations.h"
#include "protocol/rpc.h"

namespace gateway {

namespace {

// A reply that the gateway reads whole: State with thousands of threads stays far below this, what a call
// returned may not.
constexpr std::size_t max_whole_reply = 64u << 20;

rpc_outcome read_outcome(std::string_view rest) {
    // `rest` is `,"result":R,"error":E}`; the whole object is parsed once, by the strict parser.
    rpc_outcome out;
    std::string text = "{\"id\":0";
    text += rest;
    auto reply = protocol::parse_json(text, {.max_depth = 512, .fold_keys = false});
    if (!reply || !reply->find("result")) {
        out.error = "dlv sent a reply that is not JSON-RPC";
        return out;
    }
    if (auto* error = reply->find("error"); error && !error->is_null()) {
        out.error = error->if_string() ? *error->if_string() : protocol::to_text(*error);
        if (out.error.empty()) out.error = "dlv reported an error without words";
        return out;
    }
    out.result = protocol::to_text(*reply->find("result"));
    return out;
}

}  // namespace

rpc_channel::rpc_channel(asio::io_context& context, const upstream_route& route,
                         std::function<void(std::string)> closed)
    : closed_(std::move(closed)),
      socket_(context, route,
              {.bytes = [this](std::string_view b) { received(b); },
               .closed = [this](std::string reason) { lost(std::move(reason)); }}) {}

std::uint64_t rpc_channel::write(std::string_view method, std::string_view params) {
    auto id = next_id_++;
    std::string text;
    text.reserve(method.size() + params.size() + 48);
    text += "{\"method\":\"";
    text += method;  // from our own table: letters and a dot
    text += "\",\"params\":[";
    text += params;
    text += "],\"id\":";
    text += std::to_string(id);
    text += "}\n";
    socket_.send(text);
    return id;
}

void rpc_channel::call(std::string_view method, std::string_view params, on_reply done) {
    auto id = next_id_;
    pending_[id].whole = std::move(done);
    write(method, params);
}

void rpc_channel::stream(std::string_view method, std::string_view params, reply_sink& sink) {
    auto id = next_id_;
    pending_[id].sink = &sink;
    write(method, params);
    sink.sent();
}

void rpc_channel::forget(reply_sink& sink) {
    if (current_.sink == &sink) {
        current_.sink = nullptr;
        socket_.resume();
    }
    for (auto& [id, w] : pending_)
        if (w.sink == &sink) w.sink = nullptr;
}

void rpc_channel::resume() { socket_.resume(); }

bool rpc_channel::begin_line() {
    auto head = protocol::read_rpc_reply_head(line_);
    if (!head) {
        lost("dlv sent a reply that is not JSON-RPC");
        return false;
    }
    if (!*head) return false;  // more bytes
    auto found = pending_.find((*head)->id);
    if (found == pending_.end()) {
        lost("dlv answered a request that was not made");
        return false;
    }
    current_ = std::move(found->second);
    pending_.erase(found);
    line_.erase(0, (*head)->prefix);
    in_body_ = true;
    return true;
}

void rpc_channel::finish_line() {
    in_body_ = false;
    auto done = std::exchange(current_, {});
    auto rest = std::exchange(line_, {});
    if (std::exchange(dropping_, false))
        return done.whole({.lost = false, .error = "dlv's answer is larger than 64 MiB", .result = {}});
    auto outcome = read_outcome(rest);
    protocol::remove_commands(outcome.result);
    done.whole(std::move(outcome));
}

void rpc_channel::received(std::string_view bytes) {
    while (!bytes.empty() && !failed_) {
        // dlv writes one reply a line and its JSON escapes newlines, so this is the frame's end.
        auto newline = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
        auto size = newline ? static_cast<std::size_t>(newline - bytes.data()) + 1 : bytes.size();
        auto part = bytes.substr(0, size);
        bytes.remove_prefix(size);
        if (!in_body_) {
            line_ += part;
            if (!begin_line()) {
                if (failed_) return;
                if (newline) return lost("dlv sent a reply that is not JSON-RPC");
                continue;
            }
            part = {};
            if (!current_.whole) {  // streamed or forgotten: what came with the head goes on now
                auto first = std::exchange(line_, {});
                if (newline) in_body_ = false;
                auto* sink = newline ? std::exchange(current_.sink, nullptr) : current_.sink;
                if (sink && !sink->piece(first, newline != nullptr) && !newline) socket_.pause();
                continue;
            }
            if (newline) finish_line();
            continue;
        }
        if (!current_.whole) {
            if (newline) in_body_ = false;
            auto* sink = newline ? std::exchange(current_.sink, nullptr) : current_.sink;
            if (sink && !sink->piece(part, newline != nullptr) && !newline) socket_.pause();
            continue;
        }
        if (line_.size() + part.size() > max_whole_reply) {
            dropping_ = true;
            line_ = {};
        }
        if (!dropping_) line_ += part;
        if (newline) finish_line();
    }
}

void rpc_channel::lost(std::string reason) {
    if (failed_) return;
    failed_ = true;
    auto pending = std::exchange(pending_, {});
    pending.emplace(0, std::exchange(current_, {}));
    for (auto& [id, w] : pending) {
        if (w.whole) w.whole({.lost = true, .error = reason, .result = {}});
        if (w.sink) w.sink->broken(reason);
    }
    if (closed_) closed_(reason);
}

}  // namespace gateway
