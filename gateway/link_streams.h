// The streams of one link (ALPN delvegate/1), for either end: offsets, windows, fairness, and going on where a
// broken link stopped.
//
// No socket and no clock: bytes come in by feed() and go out through link_output. What the peer does
// against docs/protocol.md closes the link with a reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/byte_queue.h"
#include "gateway/link_place.h"
#include "gateway/stream.h"
#include "protocol/link.h"

namespace gateway {

// Where frames go: a tls_channel, or a string in tests.
class link_output {
public:
    virtual ~link_output() = default;
    virtual void send(std::string_view bytes) = 0;
    virtual std::size_t unsent() const = 0;
};

class link_streams;

// One end of one stream. Its user hears received(), writable(), ended(), lost() as stream.h says.
class link_stream final : public stream_peer {
public:
    link_stream(link_streams& link, std::uint32_t id) : link_(&link), id_(id) {}

    std::uint32_t id() const { return id_; }
    // Who hears this stream; without a user its data is dropped.
    void attach(std::unique_ptr<stream_user> user);

    void send(std::string_view bytes) override;
    std::size_t unsent() const override { return queue_.size() - in_flight(); }
    std::uint64_t sent() const override { return acked_ + queue_.size(); }
    std::uint64_t delivered() const override;
    void consumed(std::size_t n) override;
    void finish() override;
    void notice(std::string_view line) override;
    void abort(std::string_view reason) override;
    // Half-close: END once what is queued has left; receiving goes on.
    void end();
    // While corked nothing leaves: the verdict is to be the first frame on the stream.
    void cork() { corked_ = true; }
    void uncork();
    bool gone() const { return gone_; }  // reset or ended on both sides: waits for collect()
    // The verdict that made it, for a peer whose link broke before it came.
    void was_made_by(protocol::json verdict) { verdict_ = std::move(verdict); }

private:
    friend class link_streams;

    std::size_t in_flight() const { return static_cast<std::size_t>(sent_ - acked_); }
    std::size_t room() const { return protocol::link_window - in_flight(); }
    std::size_t frame_limit() const;  // bytes the next data frame may have
    void notice_now(const std::string& line);
    bool heard() const { return user_ && !gone_ && !over_ && !finished_; }

    link_streams* link_;
    const std::uint32_t id_;
    std::unique_ptr<stream_user> user_;
    byte_queue queue_;            // from acked_ on: in frames that may get lost with the link, or not yet in one
    std::uint64_t sent_ = 0;      // bytes put into frames; falls back when a link goes on
    std::uint64_t resent_ = 0;    // until here what is sent waited when the link broke
    std::uint64_t acked_ = 0;     // of those, dealt with by the peer
    std::uint64_t received_ = 0;
    std::uint64_t consumed_ = 0;
    std::uint64_t granted_ = 0;   // the last ack we sent
    std::size_t peak_ = 0;
    protocol::json verdict_;
    std::vector<std::string> notices_;  // said again when a link goes on: nobody acknowledges them
    bool corked_ = false;
    bool ready_ = false;          // in the round of those with something to send
    bool end_wanted_ = false;
    bool end_sent_ = false;
    bool peer_ended_ = false;
    bool end_acked_ = false;      // the peer has our END, and so all of our bytes
    bool over_ = false;           // ended on both sides; kept until end_acked_
    bool finished_ = false;       // the user wants to hear no more
    bool overflowed_ = false;     // its user is still to be told
    bool gone_ = false;           // reset by either side: waits for its burial
};

// What a link does with everything that is not stream data.
class link_owner {
public:
    virtual ~link_owner() = default;
    // A control frame other than data, ack, end, reset, ping, pong. False: it has no place here (wrong
    // side, wrong moment, missing member); the link is closed as broken.
    virtual bool control(protocol::frame_type type, std::uint32_t stream,
                         const protocol::json& body) = 0;
    // A stream is over: both sides ended, or either reset it. Its user has been destroyed.
    virtual void stream_closed(std::uint32_t stream) = 0;
    // More waits in a stream of a link that is held.
    virtual void held_more() {}
    // A stream was reset because more waited than queue_limit.
    virtual void stream_overflowed(std::uint32_t stream) = 0;
    // The peer broke the protocol. The owner closes the link; feed() takes no more.
    virtual void broken(std::string_view reason) = 0;
    // collect() is wanted soon, from the event loop, with no call of this link on the stack.
    virtual void collect_later() = 0;
};

class link_streams {
public:
    static constexpr std::size_t chunk = 64 * 1024;        // of one stream, before the next one's turn
    static constexpr std::size_t again = 4 * 1024;         // of what broke off once: what comes whole has not to be sent again
    static constexpr std::size_t high_water = 256 * 1024;  // output queued before streams have to wait
    static constexpr std::size_t remembered = 64;          // streams over or reset that a peer may still ask for
    static constexpr std::size_t noticed = 8;              // lines for the person of one stream, kept for a link that goes on

    // queue_limit: bytes one stream may have waiting; above it the stream is reset, and its user hears
    // lost() from collect().
    link_streams(link_output& output, link_owner& owner, std::size_t queue_limit)
        : output_(output), owner_(owner), queue_limit_(queue_limit) {}
    ~link_streams();
    link_streams(const link_streams&) = delete;
    link_streams& operator=(const link_streams&) = delete;

    // Bytes from the peer.
    void feed(std::string_view bytes);
    // The output took bytes: go on sending. Call when link_output::unsent() fell.
    void pump();
    // Buries streams that are gone. From the event loop only.
    void collect();

    // Makes a stream, after OPEN was sent or received. The id must be new.
    link_stream& add(std::uint32_t id);
    link_stream* find(std::uint32_t id);
    // An OPEN that was refused: data sent before the refusal was known is dropped.
    void refuse(std::uint32_t id);
    std::uint32_t last_id() const { return last_id_; }
    bool greeted() const { return greeted_; }  // the peer's hello has come
    // The peer acknowledges what its users have dealt with before whatever they say next.
    void prompt_acks() { prompt_acks_ = true; }
    // Every stream's user is told that its person's certificate was renewed.
    void rebound(const auth::identity& now);
    // Those that are neither over nor gone; and of them those whose verdict said that another gateway can go on with them.
    std::size_t size() const;
    std::size_t rebuildable() const;

    // --- a link that breaks (link_resume.cpp) ---
    // The peer keeps its streams when the link breaks, and so do we: it acknowledges an END by one more than the
    // bytes there were, and until then the stream is kept.
    void keep() { keeping_ = true; }
    // Takes the streams of `from`, of a link that broke or that is held; `from` is closed without a word.
    // Nothing leaves them until resume(). This link must have none.
    void take_over(link_streams& from);
    // Whether anything would be lost with the link.
    bool empty() const { return streams_.size() == buried_.size(); }
    // How far each stream came, and which were reset, for the other end.
    std::vector<stream_place> places() const;
    // What is impossible in what the other end says of streams that are here; empty: nothing.
    std::string fault_in(const std::vector<stream_place>& peer) const;
    // Goes on from there. Streams the peer does not name are over, or their users hear lost(). Call fault_in() before.
    void resume(const std::vector<stream_place>& peer);
    // Every stream's user is told whether there is a link, and to where.
    void tell_link(bool up, std::string_view address);
    // Bytes that are kept for the peer.
    std::size_t kept() const;

    void send_control(protocol::frame_type type, std::uint32_t stream, const protocol::json& body);
    // Every user hears expelled(reason); what they say leaves as far as the windows let it. close() follows.
    void expel(std::string_view reason);
    // Every user hears lost(reason); the link is dead.
    void close(std::string_view reason);
    // The same, by forgotten(reason).
    void forget(std::string_view reason);

    // Keep-alive, to be called every ping interval. Sends a PING when the peer was silent since the
    // last call; false: it stayed silent over three.
    bool tick();

private:
    friend class link_stream;

    void end_all(const std::function<void(stream_user&)>& tell);
    void dispatch(const protocol::link_frame& frame);
    void on_data(link_stream& stream, const protocol::link_frame& frame);
    void on_ack(link_stream& stream, const protocol::link_frame& frame);
    void on_end(link_stream& stream, const protocol::link_frame& frame);
    void on_reset(link_stream& stream, const protocol::link_frame& frame);
    void break_link(std::string reason);
    void want(link_stream& stream);            // has something to send: joins the round
    bool can_send(const link_stream& stream) const;
    void put(link_stream& stream, std::string_view bytes);
    void acknowledge(link_stream& stream);
    void reset(link_stream& stream, std::string_view reason);
    void put_offset(protocol::frame_type type, std::uint32_t id, std::uint64_t offset);
    void finish_sending(link_stream& stream);  // END once the queue is empty
    void tell_writable(link_stream& stream);
    void settle(link_stream& stream);          // over when both directions are
    void bury(link_stream& stream);
    void resume(link_stream& stream, const stream_place& there);

    link_output& output_;
    link_owner& owner_;
    const std::size_t queue_limit_;
    protocol::link_decoder decoder_;
    std::map<std::uint32_t, std::unique_ptr<link_stream>> streams_;
    std::deque<std::uint32_t> round_;          // streams with something to send, in turn
    std::vector<std::uint32_t> buried_;
    std::deque<std::uint32_t> over_;           // ended on both sides, their ENDs not acknowledged yet
    std::vector<std::uint32_t> spent_;         // of those, with a user that is still to be destroyed
    std::map<std::uint32_t, std::string> resets_;  // those that were reset here, and why
    std::string frame_;                        // scratch
    std::uint32_t last_id_ = 0;
    unsigned silent_ticks_ = 0;
    bool heard_ = true;
    bool greeted_ = false;                     // the peer's hello has come
    bool closed_ = false;
    bool keeping_ = false;
    bool holding_ = false;                     // nothing of a stream leaves
    bool prompt_acks_ = false;
};

inline std::uint64_t link_stream::delivered() const { return link_->prompt_acks_ ? acked_ : stream_peer::delivered(); }

}  // namespace gateway
