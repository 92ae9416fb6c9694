#include "launcher/guard_relay.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "launcher/dial_dlv.h"

namespace launcher {

namespace {

constexpr std::size_t chunk_size = 64 * 1024;
constexpr std::size_t high_water = 256 * 1024;  // unsent bytes one way; then that way's source is not read
constexpr std::size_t max_unanswered = 1u << 20;
// How long Delve's look into a crowded /proc/net/tcp may turn its callers away (gateway/upstream.h).
constexpr guard_relay::time patience{70'000};
constexpr guard_relay::time longest_pause{1'000};
// For a last answer to be read, when the connection is to end.
constexpr guard_relay::time last_words{5'000};

bool not_now() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

guard_relay::guard_relay(unique_fd gateway, const dlv_address& address, told on, time now)
    : gateway_(std::move(gateway)), address_(address), on_(std::move(on)), started_(now), next_dial_(now) {}

void guard_relay::finish(const std::string& why) {
    if (over_) return;
    over_ = true;
    why_ = why;
}

void guard_relay::dial(time now) {
    auto socket = dial_dlv(address_);
    if (!socket) {
        if (now - started_ >= patience || address_.how != dlv_address::kind::unix_socket) return finish(socket.error());
        // Its queue is full, or it is gone: the guard's own connection tells the second.
        next_dial_ = now + pause_;
        pause_ = std::min(pause_ * 2, longest_pause);
        return;
    }
    dlv_ = std::move(*socket);
    connected_ = dlv_done_ = false;
}

void guard_relay::work(const filter_rules& rules, time now) {
    if (over_) return;
    if (!dlv_ && !dlv_done_ && now >= next_dial_) dial(now);
    filter(rules);
    put_answers();
    if (connected_) write(dlv_.get(), to_dlv_, true);
    write(gateway_.get(), to_gateway_, false);
    if (over_) return;

    if ((filter_.ended() || gateway_gone_ || dlv_done_) && last_word_ == time::max()) last_word_ = now + last_words;
    if (filter_.ended() && answers_.empty() && to_gateway_.empty()) return finish("ended by the guard");
    if (gateway_gone_ && (to_dlv_.empty() || dlv_done_)) return finish("closed by the gateway");
    if (dlv_done_ && to_gateway_.empty()) return finish("closed by dlv");
    if (now >= last_word_) return finish("ended: the last bytes were not taken");
    // dlv does not end a connection on which it was never asked anything.
    if (gateway_done_ && all_filtered_ && !asked_ && answers_.empty() && to_gateway_.empty())
        return finish("closed by the gateway");
    // `exit -c` sends a last request and closes: dlv gets it first.
    if (gateway_done_ && connected_ && to_dlv_.empty() && all_filtered_ && !shut_) {
        shut_ = true;
        ::shutdown(dlv_.get(), SHUT_WR);
    }
}

void guard_relay::filter(const filter_rules& rules) {
    all_filtered_ = false;
    while (to_dlv_.size() < high_water && answers_.size() < high_water) {
        auto piece = filter_.next(rules);
        if (!piece) {
            all_filtered_ = true;
            break;
        }
        if (!boundary_) {
            boundary_.emplace(*filter_.speaks());
            // For as long as this connection lasts: a lower ceiling cuts it, and a higher one is for the next.
            if (*filter_.speaks() == protocol::dialect::rpc && !rules.ceiling.has(protocol::op_class::read)) values_.emplace();
        }
        if (piece->to == guard_filter::piece::where::gateway) {
            on_.refused(piece->refused, piece->for_duty);
            answers_ += piece->bytes;
            continue;
        }
        if (values_ && !piece->id.empty() && !values_->asked(piece->id, piece->location))
            return finish("too many questions are open, or two under one number");
        if (piece->resumes) on_.resumes();
        asked_ = true;
        to_dlv_ += piece->bytes;
        if (!heard_ && unanswered_.size() <= max_unanswered) unanswered_ += piece->bytes;
    }
}

void guard_relay::put_answers() {
    if (answers_.empty() || !boundary_->between() || to_gateway_.size() >= high_water) return;
    to_gateway_ += answers_;
    answers_.clear();
}

void guard_relay::write(int fd, std::string& bytes, bool to_dlv) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const auto n = ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (n > 0) {
            sent += static_cast<std::size_t>(n);
            continue;
        }
        if (errno == EINTR) continue;
        // dlv's loss is told by its reading side, after what it may still have said.
        if (!not_now() && !to_dlv) finish("closed by the gateway");
        if (!not_now() && to_dlv) sent = bytes.size();
        break;
    }
    bytes.erase(0, sent);
}

bool guard_relay::may_read_gateway() const {
    return !gateway_done_ && !filter_.ended() && to_dlv_.size() < high_water && answers_.size() < high_water;
}

int guard_relay::gateway_fd() const { return gateway_gone_ ? -1 : gateway_.get(); }

// A hang-up is told whether it is asked for or not: who is not read from is not asked.
int guard_relay::dlv_fd() const { return connected_ && dlv_events() == 0 ? -1 : dlv_.get(); }

short guard_relay::gateway_events() const {
    return static_cast<short>((may_read_gateway() ? POLLIN : 0) | (to_gateway_.empty() ? 0 : POLLOUT));
}

short guard_relay::dlv_events() const {
    return static_cast<short>((connected_ && to_gateway_.size() < high_water ? POLLIN : 0) |
                              (to_dlv_.empty() && connected_ ? 0 : POLLOUT));
}

void guard_relay::gateway_ready(short revents) {
    if (over_) return;
    if (revents & POLLIN) read_gateway();
    // With everything read, or with nobody there to be answered.
    if (revents & (POLLHUP | POLLERR)) {
        if ((revents & POLLIN) == 0 || gateway_done_) gateway_done_ = gateway_gone_ = true;
    }
}

void guard_relay::read_gateway() {
    std::array<char, chunk_size> chunk;
    const auto n = ::recv(gateway_.get(), chunk.data(), chunk.size(), 0);
    if (n > 0) return filter_.feed({chunk.data(), static_cast<std::size_t>(n)});
    if (n == 0)
        gateway_done_ = true;
    else if (!not_now())
        gateway_done_ = gateway_gone_ = true;
}

void guard_relay::dlv_ready(short revents) {
    if (over_ || !dlv_) return;
    if (!connected_) {
        if ((revents & (POLLOUT | POLLERR | POLLHUP)) == 0) return;
        if (const int error = dial_error(dlv_.get())) return dlv_lost(std::strerror(error));
        connected_ = true;
        return;
    }
    if (revents & (POLLIN | POLLHUP | POLLERR)) read_dlv();
}

void guard_relay::dlv_lost(const std::string& why) {
    dlv_.reset();
    connected_ = false;
    const bool again = !heard_ && address_.how == dlv_address::kind::tcp && !gateway_done_ &&
                       unanswered_.size() <= max_unanswered && pause_ < patience;
    if (!again) {
        dlv_done_ = true;
        to_dlv_.clear();
        why_ = why;
        return;
    }
    to_dlv_ = unanswered_;
    next_dial_ = std::max(next_dial_, started_) + pause_;
    pause_ = std::min(pause_ * 2, longest_pause);
    if (next_dial_ - started_ >= patience) dlv_done_ = true;
}

void guard_relay::read_dlv() {
    if (to_gateway_.size() >= high_water) return;
    std::array<char, chunk_size> chunk;
    const auto n = ::recv(dlv_.get(), chunk.data(), chunk.size(), 0);
    if (n < 0 && not_now()) return;
    if (n <= 0) return dlv_lost("closed by dlv");
    heard_ = true;
    unanswered_ = {};
    const std::string_view bytes(chunk.data(), static_cast<std::size_t>(n));
    // dlv does not speak first.
    if (!boundary_) return finish("dlv spoke before it was asked");
    if (values_) {
        if (!values_->pass(bytes, to_gateway_)) return finish("dlv sent what is not its protocol, or too much of it");
        return;
    }
    const auto last = boundary_->pass(bytes);
    if (boundary_->failed()) return finish("dlv sent what is not its protocol");
    if (!last || answers_.empty()) {
        to_gateway_ += bytes;
        return;
    }
    to_gateway_ += bytes.substr(0, *last);
    to_gateway_ += answers_;
    answers_.clear();
    to_gateway_ += bytes.substr(*last);
}

guard_relay::time guard_relay::deadline() const {
    time when = last_word_;
    if (!dlv_ && !dlv_done_) when = std::min(when, next_dial_);
    return when;
}

}  // namespace launcher
