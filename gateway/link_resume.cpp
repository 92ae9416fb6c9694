// The streams of a link that broke: kept, and going on where they stopped.
#include "gateway/link_streams.h"

#include <algorithm>
#include <set>
#include <utility>

#include "protocol/printable.h"

namespace gateway {

using protocol::frame_type;
using protocol::json;

namespace {
constexpr std::size_t max_reason = 512;
}

std::string short_reason(std::string_view text) {
    std::string out = protocol::printable(text);
    if (out.size() <= max_reason) return out;
    out.resize(max_reason);
    while (!protocol::valid_utf8(out)) out.pop_back();
    return out;
}

json to_json(const std::vector<stream_place>& places) {
    json::array list;
    for (const auto& one : places) {
        json entry;
        entry.set("stream", std::int64_t{one.stream});
        if (one.reset) {
            entry.set("reset", *one.reset);
        } else {
            entry.set("received", one.received);
            if (one.ended) entry.set("ended", true);
            if (one.undecided) entry.set("undecided", true);
        }
        list.push_back(std::move(entry));
    }
    return list;
}

std::optional<std::vector<stream_place>> read_places(const json* list) {
    if (!list || !list->if_array()) return std::nullopt;
    std::vector<stream_place> places;
    std::set<std::uint32_t> seen;
    for (const auto& entry : *list->if_array()) {
        const json* id = entry.find("stream");
        const auto number = id ? id->as_uint() : std::nullopt;
        if (!number || *number % 2 == 0 || *number > UINT32_MAX) return std::nullopt;
        stream_place one;
        one.stream = static_cast<std::uint32_t>(*number);
        if (!seen.insert(one.stream).second) return std::nullopt;
        if (const json* reset = entry.find("reset")) {
            if (!reset->if_string()) return std::nullopt;
            one.reset = short_reason(*reset->if_string());
        } else {
            const json* received = entry.find("received");
            const auto bytes = received ? received->as_uint() : std::nullopt;
            if (!bytes) return std::nullopt;
            one.received = *bytes;
            one.ended = entry.get_bool("ended");
            one.undecided = entry.get_bool("undecided");
        }
        places.push_back(std::move(one));
    }
    return places;
}

std::size_t link_streams::kept() const {
    std::size_t sum = 0;
    for (const auto& [id, stream] : streams_) sum += stream->queue_.size();
    return sum;
}

std::size_t link_streams::rebuildable() const {
    return static_cast<std::size_t>(std::count_if(streams_.begin(), streams_.end(), [](const auto& one) {
        return !one.second->gone_ && !one.second->over_ && one.second->verdict_.get_bool("rebuilds");
    }));
}

void link_streams::tell_link(bool up, std::string_view address) {
    for (auto& [id, stream] : streams_)
        if (stream->heard()) stream->user_->link_is(up, address);
}

void link_streams::take_over(link_streams& from) {
    streams_ = std::exchange(from.streams_, {});
    for (auto& [id, stream] : streams_) {
        stream->link_ = this;
        stream->ready_ = false;
    }
    round_.clear();
    from.round_.clear();
    buried_ = std::exchange(from.buried_, {});
    over_ = std::exchange(from.over_, {});
    spent_ = std::exchange(from.spent_, {});
    resets_ = std::exchange(from.resets_, {});
    last_id_ = std::max(last_id_, from.last_id_);
    keeping_ = true;
    holding_ = true;
    prompt_acks_ = prompt_acks_ || from.prompt_acks_;
    from.closed_ = true;
    if (!buried_.empty() || !spent_.empty()) owner_.collect_later();
}

std::vector<stream_place> link_streams::places() const {
    std::vector<stream_place> all;
    for (const auto& [id, stream] : streams_) {
        if (stream->gone_) continue;
        stream_place one;
        one.stream = id;
        one.received = stream->received_;
        one.ended = stream->peer_ended_;
        all.push_back(std::move(one));
    }
    for (const auto& [id, reason] : resets_) {
        stream_place one;
        one.stream = id;
        one.reset = reason;
        all.push_back(std::move(one));
    }
    return all;
}

std::string link_streams::fault_in(const std::vector<stream_place>& peer) const {
    for (const auto& one : peer) {
        const auto at = streams_.find(one.stream);
        if (at == streams_.end() || at->second->gone_ || one.reset) continue;
        const link_stream& mine = *at->second;
        if (one.received > mine.sent_) return "it has received more of a stream than was sent";
        if (one.received < mine.acked_) return "it has received less of a stream than it dealt with";
        if (one.ended && !mine.end_sent_) return "it has received the end of a stream that has not ended";
        if (one.ended && one.received != mine.sent_) return "it has received the end of a stream before its bytes";
        if (mine.end_acked_ && !one.ended) return "it has not received the end that it acknowledged";
    }
    return {};
}

void link_streams::resume(const std::vector<stream_place>& peer) {
    holding_ = false;
    std::map<std::uint32_t, const stream_place*> there;
    for (const auto& one : peer) there[one.stream] = &one;
    std::vector<std::uint32_t> over;
    for (const auto& [id, stream] : streams_) {
        if (stream->gone_) continue;
        const auto at = there.find(id);
        if (at != there.end() && !at->second->reset)
            resume(*stream, *at->second);
        else
            over.push_back(id);
    }
    // Users that hear of an end may do anything, even send on other streams, but they do not make streams.
    for (const std::uint32_t id : over) {
        link_stream* const stream = find(id);
        if (!stream) continue;
        const auto at = there.find(id);
        const bool told = stream->heard();
        bury(*stream);
        if (told) stream->user_->lost(at == there.end() ? "the other end has given the connection up" : *at->second->reset);
    }
    pump();
}

void link_streams::resume(link_stream& stream, const stream_place& there) {
    if (there.undecided && !stream.verdict_.is_null()) send_control(frame_type::verdict, stream.id_, stream.verdict_);
    for (const auto& line : stream.notices_) stream.notice_now(line);
    stream.resent_ = stream.sent();
    stream.sent_ = there.received;
    stream.peak_ = std::max(stream.peak_, stream.unsent());
    stream.granted_ = stream.consumed_;
    if (!stream.peer_ended_) put_offset(frame_type::ack, stream.id_, stream.granted_);
    stream.end_sent_ = stream.end_acked_ = there.ended;
    if (there.ended) return settle(stream);
    if (stream.end_wanted_ && stream.unsent() == 0) return finish_sending(stream);
    want(stream);
}

}  // namespace gateway
