#include "gateway/link_streams.h"

#include <algorithm>
#include <utility>

#include "protocol/printable.h"

namespace gateway {

using protocol::frame_type;

namespace {

constexpr std::size_t offset_size = 8;
constexpr std::size_t writable_floor = 64 * 1024;
constexpr std::size_t ack_step = protocol::link_window / 4;
constexpr unsigned dead_after = 3;
constexpr std::size_t max_reason = 512;

// A reason for the wire, or one from it: short, printable, and still UTF-8 where it was cut.
std::string short_reason(std::string_view text) {
    std::string out = protocol::printable(text);
    if (out.size() <= max_reason) return out;
    out.resize(max_reason);
    while (!protocol::valid_utf8(out)) out.pop_back();
    return out;
}

}  // namespace

// --- one stream, called by its user ---

void link_stream::attach(std::unique_ptr<stream_user> user) { user_ = std::move(user); }

void link_stream::send(std::string_view bytes) {
    if (gone_ || end_wanted_ || link_.closed_) return;
    // Nobody waits, so nobody is overtaken: straight into frames, without a copy here.
    while (!corked_ && !bytes.empty() && queue_.empty() && link_.round_.empty() && link_.can_send(*this)) {
        const std::size_t room = protocol::link_window - static_cast<std::size_t>(sent_ - acked_);
        const std::string_view piece = bytes.substr(0, std::min(link_streams::chunk, room));
        link_.put(*this, piece);
        bytes.remove_prefix(piece.size());
    }
    if (bytes.empty()) return;
    if (queue_.size() + bytes.size() > link_.queue_limit_) {
        overflowed_ = true;
        return abort("the IDE does not read what it is sent");
    }
    queue_.append(bytes);
    peak_ = std::max(peak_, queue_.size());
    link_.want(*this);
}

void link_stream::consumed(std::size_t n) {
    if (gone_) return;
    consumed_ = std::min(consumed_ + n, received_);
    if (consumed_ - granted_ < ack_step || peer_ended_ || corked_) return;
    granted_ = consumed_;
    link_.put_offset(frame_type::ack, id_, granted_);
}

void link_stream::end() {
    if (gone_ || std::exchange(end_wanted_, true)) return;
    if (queue_.empty() && !corked_) link_.finish_sending(*this);
}

void link_stream::uncork() {
    if (!std::exchange(corked_, false) || gone_) return;
    if (end_wanted_ && queue_.empty()) return link_.finish_sending(*this);
    link_.want(*this);
    link_.pump();
}

void link_stream::finish() {
    if (gone_ || std::exchange(finished_, true)) return;
    // What the user had not dealt with yet will not be: the peer must not wait for it.
    consumed(static_cast<std::size_t>(received_ - consumed_));
    end();
    link_.settle(*this);
}

void link_stream::notice(std::string_view line) {
    if (gone_ || finished_) return;
    protocol::json body;
    body.set("text", line);
    link_.send_control(protocol::frame_type::notice, id_, body);
}

void link_stream::abort(std::string_view reason) {
    if (gone_ || link_.closed_) return;
    if (!corked_) {
        protocol::json body;
        body.set("reason", short_reason(reason));
        link_.send_control(frame_type::reset, id_, body);
    }
    link_.bury(*this);
}

// --- the link ---

link_streams::~link_streams() = default;

link_stream& link_streams::add(std::uint32_t id) {
    last_id_ = std::max(last_id_, id);
    auto& slot = streams_[id];
    slot = std::make_unique<link_stream>(*this, id);
    return *slot;
}

link_stream* link_streams::find(std::uint32_t id) {
    const auto at = streams_.find(id);
    return at == streams_.end() || at->second->gone_ ? nullptr : at->second.get();
}

void link_streams::refuse(std::uint32_t id) {
    last_id_ = std::max(last_id_, id);
    if (link_stream* stream = find(id)) bury(*stream);
}

void link_streams::feed(std::string_view bytes) {
    if (closed_) return;
    heard_ = true;
    decoder_.feed(bytes);
    protocol::error_code ec;
    while (!closed_) {
        const auto frame = decoder_.next(ec);
        if (!frame) break;
        dispatch(*frame);
    }
    if (closed_) return;
    if (ec) return break_link("a frame that breaks the protocol: " + ec.message());
    pump();
}

void link_streams::dispatch(const protocol::link_frame& frame) {
    // The first frame of either side is its hello, and there is no second one.
    if (greeted_ == (frame.type == frame_type::hello))
        return break_link(greeted_ ? "a second hello" : "the first frame is not a hello");
    switch (frame.type) {
        case frame_type::data:
        case frame_type::ack:
        case frame_type::end:
        case frame_type::reset: {
            link_stream* stream = find(frame.stream);
            // Frames for a stream that ended here may still have been under way.
            if (!stream && (frame.stream == 0 || frame.stream > last_id_))
                return break_link("a frame for a stream that was never opened");
            if (!stream) return;
            if (frame.type == frame_type::data) return on_data(*stream, frame);
            if (frame.type == frame_type::ack) return on_ack(*stream, frame);
            if (frame.type == frame_type::end) return on_end(*stream, frame);
            return on_reset(*stream, frame);
        }
        case frame_type::ping:
        case frame_type::pong:
            if (frame.stream != 0 || frame.payload.size() != 8) return break_link("a malformed ping");
            if (frame.type == frame_type::pong) return;
            frame_.clear();
            protocol::append_frame(frame_, frame_type::pong, 0, frame.payload);
            return output_.send(frame_);
        default: {
            const auto body = protocol::read_control(frame);
            if (!body) return break_link("a control frame that is not a JSON object");
            greeted_ = true;
            if (!owner_.control(frame.type, frame.stream, *body) && !closed_)
                break_link("a control frame out of place: type " +
                           std::to_string(static_cast<int>(frame.type)));
        }
    }
}

void link_streams::on_data(link_stream& stream, const protocol::link_frame& frame) {
    if (frame.payload.size() < offset_size) return break_link("a data frame without an offset");
    const std::string_view bytes = frame.payload.substr(offset_size);
    if (stream.peer_ended_) return break_link("data behind the end of a stream");
    if (protocol::read_offset(frame.payload) != stream.received_)
        return break_link("data at the wrong offset");
    if (stream.received_ + bytes.size() - stream.granted_ > protocol::link_window)
        return break_link("more data than the window allows");
    stream.received_ += bytes.size();
    if (stream.user_ && !stream.finished_)
        stream.user_->received(bytes);
    else
        stream.consumed(bytes.size());
}

void link_streams::on_ack(link_stream& stream, const protocol::link_frame& frame) {
    if (frame.payload.size() != offset_size) return break_link("a malformed ack");
    const std::uint64_t offset = protocol::read_offset(frame.payload);
    if (offset < stream.acked_ || offset > stream.sent_)
        return break_link("an ack of what was never sent");
    stream.acked_ = offset;
    want(stream);
}

void link_streams::on_end(link_stream& stream, const protocol::link_frame& frame) {
    if (frame.payload.size() != offset_size) return break_link("a malformed end");
    if (stream.peer_ended_) return break_link("a second end of a stream");
    if (protocol::read_offset(frame.payload) != stream.received_)
        return break_link("an end at the wrong offset");
    stream.peer_ended_ = true;
    if (stream.user_ && !stream.finished_) stream.user_->ended();
    settle(stream);
}

void link_streams::on_reset(link_stream& stream, const protocol::link_frame& frame) {
    const auto body = protocol::read_control(frame);
    if (!body) return break_link("a malformed reset");
    const std::string reason = short_reason(body->get_string("reason", "reset by the peer"));
    bury(stream);
    if (stream.user_ && !stream.finished_) stream.user_->lost(reason);
}

void link_streams::pump() {
    while (!closed_ && !round_.empty() && output_.unsent() < high_water) {
        link_stream* stream = find(round_.front());
        round_.pop_front();
        if (!stream) continue;
        stream->ready_ = false;
        const std::size_t room =
            protocol::link_window - static_cast<std::size_t>(stream->sent_ - stream->acked_);
        const std::string_view piece = stream->queue_.front(std::min(chunk, room));
        if (piece.empty()) continue;
        put(*stream, piece);
        stream->queue_.drop(piece.size());
        want(*stream);
        tell_writable(*stream);
        if (!stream->gone_ && stream->end_wanted_ && stream->queue_.empty()) finish_sending(*stream);
    }
}

bool link_streams::can_send(const link_stream& stream) const {
    return stream.sent_ - stream.acked_ < protocol::link_window && output_.unsent() < high_water;
}

void link_streams::want(link_stream& stream) {
    if (stream.ready_ || stream.gone_ || stream.corked_ || stream.queue_.empty()) return;
    if (stream.sent_ - stream.acked_ >= protocol::link_window) return;  // its ack will call again
    stream.ready_ = true;
    round_.push_back(stream.id_);
}

void link_streams::put(link_stream& stream, std::string_view bytes) {
    frame_.clear();
    // Whoever says something says as well what it has heard: the peer knows what it was said in answer to.
    if (stream.consumed_ > stream.granted_ && !stream.peer_ended_)
        protocol::append_offset(frame_, frame_type::ack, stream.id_, stream.granted_ = stream.consumed_);
    protocol::append_data_header(frame_, stream.id_, stream.sent_, bytes.size());
    stream.sent_ += bytes.size();
    output_.send(frame_);
    output_.send(bytes);
}

void link_streams::put_offset(frame_type type, std::uint32_t id, std::uint64_t offset) {
    if (closed_) return;
    frame_.clear();
    protocol::append_offset(frame_, type, id, offset);
    output_.send(frame_);
}

void link_streams::send_control(frame_type type, std::uint32_t stream, const protocol::json& body) {
    if (closed_) return;
    frame_.clear();
    protocol::append_control(frame_, type, stream, body);
    output_.send(frame_);
}

void link_streams::finish_sending(link_stream& stream) {
    if (std::exchange(stream.end_sent_, true)) return;
    put_offset(frame_type::end, stream.id_, stream.sent_);
    settle(stream);
}

void link_streams::tell_writable(link_stream& stream) {
    const std::size_t left = stream.queue_.size();
    if (stream.peak_ == 0) return;
    if (left > 0 && (stream.peak_ <= writable_floor || left > stream.peak_ / 2)) return;
    stream.peak_ = left > writable_floor ? left : 0;
    if (stream.user_ && !stream.finished_) stream.user_->writable();
}

void link_streams::settle(link_stream& stream) {
    if (stream.end_sent_ && stream.peer_ended_) bury(stream);
}

void link_streams::bury(link_stream& stream) {
    if (std::exchange(stream.gone_, true)) return;
    stream.queue_.clear();
    buried_.push_back(stream.id_);
    owner_.collect_later();
}

void link_streams::collect() {
    // Destroying a user may end further streams.
    while (!buried_.empty()) {
        const auto ids = std::exchange(buried_, {});
        for (const std::uint32_t id : ids) {
            link_stream& stream = *streams_.at(id);
            if (stream.overflowed_) {
                owner_.stream_overflowed(id);
                if (stream.user_ && !stream.finished_)
                    stream.user_->lost("the IDE does not read what it is sent");
            }
            streams_.erase(id);
            owner_.stream_closed(id);
        }
    }
}

void link_streams::break_link(std::string reason) {
    close(reason);
    owner_.broken(reason);
}

void link_streams::expel(std::string_view reason) {
    if (closed_) return;
    for (auto& [id, stream] : streams_)
        if (!stream->gone_ && stream->user_ && !stream->finished_) stream->user_->expelled(reason);
    pump();
}

void link_streams::close(std::string_view reason) {
    if (std::exchange(closed_, true)) return;
    for (auto& [id, stream] : streams_) {
        if (stream->gone_) continue;
        stream->gone_ = true;
        buried_.push_back(id);
        if (stream->user_ && !stream->finished_) stream->user_->lost(reason);
    }
    owner_.collect_later();
}

void link_streams::rebound(const auth::identity& now) {
    for (auto& [id, stream] : streams_)
        if (stream->user_ && !stream->gone_ && !stream->finished_) stream->user_->rebound(now);
}

bool link_streams::tick() {
    if (closed_) return true;
    if (std::exchange(heard_, false)) {
        silent_ticks_ = 0;
        return true;
    }
    if (++silent_ticks_ > dead_after) return false;
    frame_.clear();
    protocol::append_frame(frame_, frame_type::ping, 0, "delvgate");
    output_.send(frame_);
    return true;
}

}  // namespace gateway
