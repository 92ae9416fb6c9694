#include "launcher/dlv_line.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "launcher/dial_dlv.h"

namespace launcher {

namespace {

using reply = outcome<protocol::json>;

// A string would be a value of JSON as well.
reply failed(const std::string& why) { return {boost::system::in_place_error, why}; }

// A State with thousands of threads stays far below this; nothing else is asked whose answer is large.
constexpr std::size_t max_reply = 64u << 20;

}  // namespace

outcome<void> dlv_line::open(const dlv_address& address) {
    connected_ = answered_ = false;
    auto socket = dial_dlv(address);
    if (!socket) return socket.error();
    socket_ = std::move(*socket);
    out_.clear();
    in_.clear();
    scanned_ = 0;
    return {};
}

void dlv_line::close(const std::string& why) {
    socket_.reset();
    for (auto& [id, done] : std::exchange(pending_, {})) done(failed(why));
}

void dlv_line::call(std::string_view method, std::string_view params, on_reply done) {
    if (!socket_) return done(failed("there is no connection to dlv"));
    const auto id = next_id_++;
    pending_.emplace(id, std::move(done));
    out_.append("{\"method\":\"").append(method).append("\",\"params\":[").append(params);
    out_.append("],\"id\":").append(std::to_string(id)).append("}\n");
    flush();
}

short dlv_line::events() const {
    return static_cast<short>(POLLIN | (out_.empty() && connected_ ? 0 : POLLOUT));
}

void dlv_line::ready(short revents) {
    if (!socket_) return;
    if (!connected_) {
        if ((revents & (POLLOUT | POLLERR | POLLHUP)) == 0) return;
        if (const int error = dial_error(socket_.get()))
            return close(std::string("dlv does not answer: ") + std::strerror(error));
        connected_ = true;
    }
    if (revents & POLLOUT) flush();
    if (revents & (POLLIN | POLLHUP | POLLERR)) receive();
}

void dlv_line::flush() {
    while (connected_ && !out_.empty()) {
        const auto n = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
        if (n > 0)
            out_.erase(0, static_cast<std::size_t>(n));
        else if (errno != EINTR)
            return;  // the reading side tells of a lost connection
    }
}

void dlv_line::receive() {
    std::array<char, 64 * 1024> chunk;
    for (int round = 0; round < 16 && socket_; ++round) {
        const auto n = ::recv(socket_.get(), chunk.data(), chunk.size(), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (n <= 0) return close("dlv closed the connection");
        in_.append(chunk.data(), static_cast<std::size_t>(n));
        for (auto end = in_.find('\n', scanned_); end != std::string::npos; end = in_.find('\n')) {
            const std::string line = in_.substr(0, end);
            in_.erase(0, end + 1);
            take(line);
            if (!socket_) return;
            scanned_ = 0;
        }
        scanned_ = in_.size();
        if (in_.size() > max_reply) return close("dlv's answer is larger than 64 MiB");
    }
}

void dlv_line::take(std::string_view line) {
    auto message = protocol::parse_json(line, {.max_depth = 512, .fold_keys = false});
    const auto* id = message ? message->find("id") : nullptr;
    const auto number = id ? id->as_uint() : std::nullopt;
    const auto* error = message ? message->find("error") : nullptr;
    const auto* result = message ? message->find("result") : nullptr;
    if (!number || !error || !result) return close("dlv sent a reply that is not JSON-RPC");
    answered_ = true;
    const auto found = pending_.find(*number);
    if (found == pending_.end()) return;
    const auto done = std::move(found->second);
    pending_.erase(found);
    if (error->is_null()) return done(reply(boost::system::in_place_value, *result));
    const auto* words = error->if_string();
    done(failed(words && !words->empty() ? *words : "dlv reported an error without words"));
}

}  // namespace launcher
