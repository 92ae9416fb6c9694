#include "gateway/link_streams.h"

#include <algorithm>
#include <utility>

namespace gateway {

using protocol::frame_type;

namespace {

constexpr std::size_t offset_size = 8;
constexpr std::size_t writable_floor = 64 * 1024;
constexpr std::size_t ack_step = protocol::link_window / 4;
constexpr unsigned dead_after = 3;
}  // namespace

// --- one stream, called by its user ---

void link_stream::attach(std::unique_ptr<stream_user> user) { user_ = std::move(user); }

void link_stream::send(std::string_view bytes) {
    if (gone_ || end_wanted_ || link_->closed_) return;
    // Nobody waits, so nobody is overtaken: straight into frames.
    while (!corked_ && !bytes.empty() && unsent() == 0 && link_->round_.empty() && link_->can_send(*this)) {
        const std::string_view piece = bytes.substr(0, frame_limit());
        queue_.append(piece);
        link_->put(*this, piece);
        bytes.remove_prefix(piece.size());
    }
    if (bytes.empty()) return;
    if (unsent() + bytes.size() > link_->queue_limit_) {
        overflowed_ = true;
        return abort("the IDE does not read what it is sent");
    }
    queue_.append(bytes);
    peak_ = std::max(peak_, unsent());
    if (link_->holding_) return link_->owner_.held_more();
    link_->want(*this);
}

std::size_t link_stream::frame_limit() const {
    return std::min(room(), sent_ < resent_ ? link_streams::again : link_streams::chunk);
}

void link_stream::consumed(std::size_t n) {
    if (gone_) return;
    consumed_ = std::min(consumed_ + n, received_);
    if (consumed_ - granted_ >= ack_step && !corked_) link_->acknowledge(*this);
}

void link_stream::end() {
    if (gone_ || std::exchange(end_wanted_, true)) return;
    if (unsent() == 0 && !corked_) link_->finish_sending(*this);
}

void link_stream::uncork() {
    if (!std::exchange(corked_, false) || gone_) return;
    if (end_wanted_ && unsent() == 0) return link_->finish_sending(*this);
    link_->want(*this);
    link_->pump();
}

void link_stream::finish() {
    if (gone_ || std::exchange(finished_, true)) return;
    // What the user had not dealt with yet will not be: the peer must not wait for it.
    consumed(static_cast<std::size_t>(received_ - consumed_));
    end();
    link_->settle(*this);
}

void link_stream::notice(std::string_view line) {
    if (gone_ || finished_) return;
    notices_.push_back(short_reason(line));
    if (!link_->holding_) notice_now(notices_.back());
    if (!link_->keeping_ || notices_.size() > link_streams::noticed) notices_.erase(notices_.begin());
}

void link_stream::notice_now(const std::string& line) {
    protocol::json body;
    body.set("text", line);
    link_->send_control(protocol::frame_type::notice, id_, body);
}

void link_stream::abort(std::string_view reason) {
    if (gone_ || over_ || link_->closed_) return;
    if (!corked_) link_->reset(*this, reason);
    link_->bury(*this);
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
    if (stream.heard())
        stream.user_->received(bytes);
    else
        stream.consumed(bytes.size());
}

void link_streams::on_ack(link_stream& stream, const protocol::link_frame& frame) {
    if (frame.payload.size() != offset_size) return break_link("a malformed ack");
    const std::uint64_t offset = protocol::read_offset(frame.payload);
    const bool of_end = keeping_ && stream.end_sent_ && offset == stream.sent_ + 1;
    if (!of_end && (offset < stream.acked_ || offset > stream.sent_))
        return break_link("an ack of what was never sent");
    const std::uint64_t dealt_with = of_end ? stream.sent_ : offset;
    stream.queue_.drop(static_cast<std::size_t>(dealt_with - stream.acked_));
    stream.acked_ = dealt_with;
    if (!of_end) return want(stream);
    stream.end_acked_ = true;
    settle(stream);
}

void link_streams::on_end(link_stream& stream, const protocol::link_frame& frame) {
    if (frame.payload.size() != offset_size) return break_link("a malformed end");
    if (stream.peer_ended_) return break_link("a second end of a stream");
    if (protocol::read_offset(frame.payload) != stream.received_)
        return break_link("an end at the wrong offset");
    stream.peer_ended_ = true;
    if (keeping_) put_offset(frame_type::ack, stream.id_, stream.received_ + 1);
    if (stream.heard()) stream.user_->ended();
    settle(stream);
}

void link_streams::on_reset(link_stream& stream, const protocol::link_frame& frame) {
    const auto body = protocol::read_control(frame);
    if (!body) return break_link("a malformed reset");
    const std::string reason = short_reason(body->get_string("reason", "reset by the peer"));
    const bool told = stream.heard();
    bury(stream);
    if (told) stream.user_->lost(reason);
}

void link_streams::pump() {
    while (!closed_ && !holding_ && !round_.empty() && output_.unsent() < high_water) {
        link_stream* stream = find(round_.front());
        round_.pop_front();
        if (!stream) continue;
        stream->ready_ = false;
        const std::string_view piece = stream->queue_.at(stream->in_flight(), stream->frame_limit());
        if (piece.empty()) continue;
        put(*stream, piece);
        want(*stream);
        tell_writable(*stream);
        if (!stream->gone_ && stream->end_wanted_ && stream->unsent() == 0) finish_sending(*stream);
    }
}

bool link_streams::can_send(const link_stream& stream) const {
    return !holding_ && stream.room() > 0 && output_.unsent() < high_water;
}

void link_streams::want(link_stream& stream) {
    if (holding_ || stream.ready_ || stream.gone_ || stream.corked_ || stream.unsent() == 0) return;
    if (stream.room() == 0) return;  // its ack will call again
    stream.ready_ = true;
    round_.push_back(stream.id_);
}

void link_streams::put(link_stream& stream, std::string_view bytes) {
    frame_.clear();
    // Whoever says something says as well what it has heard: the peer need not keep that any longer, and knows what it was
    // said in answer to.
    if (stream.consumed_ > stream.granted_ && !stream.peer_ended_)
        protocol::append_offset(frame_, frame_type::ack, stream.id_, stream.granted_ = stream.consumed_);
    protocol::append_data_header(frame_, stream.id_, stream.sent_, bytes.size());
    stream.sent_ += bytes.size();
    output_.send(frame_);
    output_.send(bytes);
}

void link_streams::put_offset(frame_type type, std::uint32_t id, std::uint64_t offset) {
    if (closed_ || holding_) return;
    frame_.clear();
    protocol::append_offset(frame_, type, id, offset);
    output_.send(frame_);
}

void link_streams::acknowledge(link_stream& stream) {
    // What is held is acknowledged when the link goes on.
    if (holding_ || stream.peer_ended_ || stream.granted_ == stream.consumed_) return;
    stream.granted_ = stream.consumed_;
    put_offset(frame_type::ack, stream.id_, stream.granted_);
}

void link_streams::reset(link_stream& stream, std::string_view reason) {
    const std::string why = short_reason(reason);
    if (keeping_) {
        if (resets_.size() == remembered) resets_.erase(resets_.begin());
        resets_[stream.id_] = why;
    }
    if (holding_) return;
    protocol::json body;
    body.set("reason", why);
    send_control(frame_type::reset, stream.id_, body);
}

void link_streams::send_control(frame_type type, std::uint32_t stream, const protocol::json& body) {
    if (closed_) return;
    frame_.clear();
    protocol::append_control(frame_, type, stream, body);
    output_.send(frame_);
}

void link_streams::finish_sending(link_stream& stream) {
    if (holding_ || std::exchange(stream.end_sent_, true)) return;
    put_offset(frame_type::end, stream.id_, stream.sent_);
    settle(stream);
}

void link_streams::tell_writable(link_stream& stream) {
    const std::size_t left = stream.unsent();
    if (stream.peak_ == 0) return;
    if (left > 0 && (stream.peak_ <= writable_floor || left > stream.peak_ / 2)) return;
    stream.peak_ = left > writable_floor ? left : 0;
    if (stream.heard()) stream.user_->writable();
}

void link_streams::settle(link_stream& stream) {
    if (stream.gone_ || !stream.end_sent_ || !stream.peer_ended_) return;
    if (!keeping_ || stream.end_acked_) return bury(stream);
    if (std::exchange(stream.over_, true)) return;
    over_.push_back(stream.id_);
    spent_.push_back(stream.id_);
    // A peer that acknowledges no END must not make us keep them all.
    while (over_.size() > remembered || !find(over_.front())) {
        if (link_stream* const old = find(over_.front())) bury(*old);
        over_.pop_front();
    }
    owner_.collect_later();
}

void link_streams::bury(link_stream& stream) {
    if (std::exchange(stream.gone_, true)) return;
    stream.queue_.clear();
    stream.acked_ = stream.sent_;
    buried_.push_back(stream.id_);
    owner_.collect_later();
}

void link_streams::collect() {
    // Destroying a user may end further streams.
    while (!buried_.empty() || !spent_.empty()) {
        for (const std::uint32_t id : std::exchange(spent_, {})) {
            streams_.at(id)->user_.reset();
            owner_.stream_closed(id);
        }
        const auto ids = std::exchange(buried_, {});
        for (const std::uint32_t id : ids) {
            link_stream& stream = *streams_.at(id);
            if (stream.overflowed_) {
                owner_.stream_overflowed(id);
                if (stream.user_ && !stream.finished_)
                    stream.user_->lost("the IDE does not read what it is sent");
            }
            const bool was_over = stream.over_;
            streams_.erase(id);
            if (!was_over) owner_.stream_closed(id);
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
        if (stream->heard()) stream->user_->expelled(reason);
    pump();
}

void link_streams::close(std::string_view reason) {
    end_all([reason](stream_user& user) { user.lost(reason); });
}

void link_streams::forget(std::string_view reason) {
    end_all([reason](stream_user& user) { user.forgotten(reason); });
}

void link_streams::end_all(const std::function<void(stream_user&)>& tell) {
    if (std::exchange(closed_, true)) return;
    for (auto& [id, stream] : streams_) {
        if (stream->gone_) continue;
        const bool told = stream->heard();
        stream->gone_ = true;
        buried_.push_back(id);
        if (told) tell(*stream->user_);
    }
    owner_.collect_later();
}

std::size_t link_streams::size() const {
    return static_cast<std::size_t>(std::count_if(streams_.begin(), streams_.end(), [](const auto& one) {
        return !one.second->gone_ && !one.second->over_;
    }));
}

void link_streams::rebound(const auth::identity& now) {
    for (auto& [id, stream] : streams_)
        if (stream->heard()) stream->user_->rebound(now);
}

bool link_streams::tick() {
    if (closed_) return true;
    for (auto& [id, stream] : streams_)
        if (!stream->gone_ && !stream->corked_) acknowledge(*stream);
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
