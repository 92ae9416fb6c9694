#include "gateway/dap_window.h"

#include <algorithm>

namespace gateway {

namespace {

using protocol::json;

constexpr std::uint64_t max_whole_message = 64u << 20;
constexpr std::string_view gone = "the connection to dlv is gone";
constexpr std::size_t head_bytes = 128;  // what read_dap_message_head needs of a body

std::string failure_text(const json& response) {
    // Delve puts the detail into body.error.format ("summary: detail"), the summary into message.
    if (auto* body = response.find("body"))
        if (auto* error = body->find("error"))
            if (auto text = error->get_string("format"); !text.empty()) return std::string(text);
    auto message = response.get_string("message");
    return message.empty() ? "dlv refused without words" : std::string(message);
}

}  // namespace

dap_window::dap_window(asio::io_context& context, const upstream_route& route, handlers on)
    : on_(std::move(on)),
      socket_(context, route,
              {.bytes = [this](std::string_view b) { received(b); },
               .closed = [this](std::string reason) { lost(std::move(reason)); }}) {}

void dap_window::call(std::string command, json arguments, on_response done) {
    if (failed_) return done({.lost = true, .success = false, .error = std::string(gone), .message = {}});
    queue_.push_back({{0, std::move(command), std::move(arguments)}, std::move(done), nullptr});
    send_next();
}

void dap_window::stream(std::string command, json arguments, response_sink& sink) {
    if (failed_) return sink.broken(gone);
    queue_.push_back({{0, std::move(command), std::move(arguments)}, nullptr, &sink});
    send_next();
}

void dap_window::forget(response_sink& sink) {
    for (auto& w : queue_)
        if (w.sink == &sink) w.sink = nullptr;
    socket_.resume();
}

void dap_window::send_next() {
    if (sent_ || queue_.empty() || failed_) return;
    sent_ = true;
    auto& request = queue_.front().request;
    request.seq = next_seq_++;
    socket_.send(protocol::encode(request));
    if (auto* sink = queue_.front().sink) sink->sent();
}

bool dap_window::read_head() {
    if (mode_ == reading::header) {
        auto head = protocol::read_frame_head(buffer_);
        if (!head) {
            lost("dlv sent a message that is not DAP");
            return false;
        }
        if (!*head) return false;
        buffer_.erase(0, (*head)->header);
        body_size_ = (*head)->body;
        mode_ = reading::head;
    }
    if (buffer_.size() < std::min<std::uint64_t>(head_bytes, body_size_)) return false;
    auto head = protocol::read_dap_message_head(
        std::string_view(buffer_).substr(0, std::min<std::uint64_t>(buffer_.size(), body_size_)));
    if (!head) {
        lost("dlv sent a message that is not DAP");
        return false;
    }
    // Not the awaited response: an event, or Delve's second word on a request answered already.
    awaited_ = head->is_response && sent_ && head->request_seq == queue_.front().request.seq;
    body_left_ = body_size_;
    auto rest = std::exchange(buffer_, {});
    if (awaited_ && queue_.front().sink) {
        mode_ = reading::streaming;
        if (!queue_.front().sink->begin(body_size_ - head->prefix)) queue_.front().sink = nullptr;
        body_left_ -= head->prefix;
        rest.erase(0, head->prefix);
    } else {
        mode_ = body_size_ > max_whole_message ? reading::dropping : reading::whole;
    }
    // More than this message may have been read: the surplus goes round again.
    received(rest);
    return false;
}

void dap_window::received(std::string_view bytes) {
    while (!bytes.empty() && !failed_) {
        if (mode_ == reading::header || mode_ == reading::head) {
            buffer_ += bytes;
            read_head();
            return;
        }
        auto size = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), body_left_));
        auto part = bytes.substr(0, size);
        bytes.remove_prefix(size);
        body_left_ -= size;
        body_piece(part);
    }
}

void dap_window::body_piece(std::string_view bytes) {
    bool last = body_left_ == 0;
    if (mode_ == reading::whole) {
        buffer_ += bytes;
        if (last) message_done();
        return;
    }
    if (mode_ == reading::dropping) {
        if (last) dropped();
        return;
    }
    auto* sink = queue_.front().sink;
    if (!last) {
        if (sink && !sink->piece(bytes, false)) socket_.pause();
        return;
    }
    mode_ = reading::header;
    sent_ = false;
    queue_.pop_front();
    if (sink) sink->piece(bytes, true);
    send_next();
}

// A message that is larger than what is read whole has gone by.
void dap_window::dropped() {
    mode_ = reading::header;
    if (!awaited_) return;
    auto done = std::move(queue_.front());
    queue_.pop_front();
    sent_ = false;
    if (done.whole)
        done.whole({.lost = false, .success = false, .error = "dlv's answer is larger than 64 MiB", .message = {}});
    send_next();
}

void dap_window::message_done() {
    mode_ = reading::header;
    auto text = std::exchange(buffer_, {});
    auto message = protocol::parse_json(text, {.max_depth = 512, .fold_keys = false});
    if (!message) return lost("dlv sent a message that is not JSON");
    auto type = message->get_string("type");
    if (type == "event") {
        static const json none;
        auto* body = message->find("body");
        if (on_.event) on_.event(message->get_string("event"), body ? *body : none);
        return;
    }
    if (!sent_ || message->get_int("request_seq") != queue_.front().request.seq) return;
    auto done = std::move(queue_.front());
    queue_.pop_front();
    sent_ = false;
    if (done.whole) {
        dap_outcome out;
        out.success = message->get_bool("success");
        if (!out.success) out.error = failure_text(*message);
        out.message = std::move(*message);
        done.whole(std::move(out));
    }
    send_next();
}

void dap_window::lost(std::string reason) {
    if (failed_) return;
    failed_ = true;
    auto pending = std::exchange(queue_, {});
    for (auto& w : pending) {
        if (w.whole) w.whole({.lost = true, .success = false, .error = reason, .message = {}});
        if (w.sink) w.sink->broken(reason);
    }
    if (on_.closed) on_.closed(reason);
}

}  // namespace gateway
