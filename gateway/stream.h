// The seam between what carries an IDE's bytes (a stream of a link, or a raw TLS connection) and who
// speaks with the IDE (a view of a session, or a refusal). Both sides live on the one io_context
// thread; neither blocks, neither throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

namespace auth {
struct identity;
}

namespace gateway {

// The carrier's side, as the view sees it.
class stream_peer {
public:
    virtual ~stream_peer() = default;

    // Queues bytes towards the IDE, in order. Never blocks and never calls back into the user.
    virtual void send(std::string_view bytes) = 0;

    // Bytes queued and not yet taken by the network: what a slow IDE costs in memory.
    virtual std::size_t unsent() const = 0;

    // All bytes given to send() so far, and how many of them the IDE's own socket has for certain: an answer of the IDE's
    // to something earlier may still be on its way. A carrier that cannot know says that all have arrived.
    virtual std::uint64_t sent() const { return 0; }
    virtual std::uint64_t delivered() const { return std::numeric_limits<std::uint64_t>::max(); }

    // `n` of the bytes handed to received() are dealt with: the IDE may send as many more.
    virtual void consumed(std::size_t n) = 0;

    // Sends what is queued, then closes both directions. Nothing is delivered to the user after it.
    // May be called from inside received(); the user is destroyed later, never inside the call.
    virtual void finish() = 0;

    // One line for the person, to be shown beside the IDE where the carrier can; it is no part of the stream.
    virtual void notice(std::string_view) {}

    // Closes at once; queued bytes may be lost. `reason` is one line for log and peer.
    virtual void abort(std::string_view reason) = 0;
};

// The view's side, as the carrier sees it. Owned by the carrier, destroyed after the last call.
class stream_user {
public:
    virtual ~stream_user() = default;

    // Bytes from the IDE, in order. At most the carrier's window is outstanding (not consumed).
    virtual void received(std::string_view bytes) = 0;

    // unsent() fell below half of what it was when last above 64 KiB, or to zero.
    virtual void writable() = 0;

    // The IDE closed its sending side: every byte it sent was delivered before this call.
    virtual void ended() = 0;

    // The person's certificate was renewed; nothing else changed.
    virtual void rebound(const auth::identity&) {}

    // The connection to the IDE's host is down, and is waited for; or it is up again, from that address. What is sent
    // meanwhile is kept: whoever waits for the IDE to read waits for that too.
    virtual void link_is(bool /*up*/, std::string_view /*address*/) {}

    // The connection broke, or the gateway is closing it: `reason` is one line. No call follows.
    virtual void lost(std::string_view reason) = 0;

    // As lost(); but whoever was at the other end has ended, by its own will or not, and its successor may know what the
    // session was about: on the laptop, of a gateway that was started anew.
    virtual void forgotten(std::string_view reason) { lost(reason); }

    // Whoever is at the other end may not be here any more: the user tells the IDE the reason (one line) in
    // the IDE's own protocol, lets go of all it holds, and calls finish() or abort(). No call follows.
    virtual void expelled(std::string_view reason) { lost(reason); }
};

}  // namespace gateway
