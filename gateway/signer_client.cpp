#include "gateway/signer_client.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include "auth/armor.h"
#include "gateway/log.h"

namespace gateway {
namespace {

using protocol::json;
using std::chrono::steady_clock;

constexpr int ready_within = 30'000;                            // ms: a store on a slow disk is checked whole
constexpr std::chrono::minutes good_life{1};                    // after which a death is a new story

auth::issue_refusal unavailable(std::string log) {
    return {"unavailable", "the gateway cannot issue certificates now; tell the one who runs it", std::move(log)};
}
auth::issue_refusal nonsense() { return unavailable("the signer's answer makes no sense"); }

auth::issue_result<auth::issued_certificate> certificate_of(const auth::issue_result<json>& reply) {
    if (!reply) return reply.error();
    auth::issued_certificate out;
    out.certificate = reply->get_string("certificate");
    out.ca = reply->get_string("ca");
    out.user = reply->get_string("user");
    const json* groups = reply->find("groups");
    if (groups && groups->if_array())
        for (const auto& group : *groups->if_array())
            if (group.is_string()) out.groups.push_back(*group.if_string());
    out.not_after = reply->get_int("notAfter");
    out.renew_until = reply->get_int("renewUntil");
    if (out.certificate.empty() || out.ca.empty()) return nonsense();
    return out;
}

}  // namespace

signer_client::signer_client(boost::asio::io_context& io, signer_settings settings)
    : io_(io), settings_(std::move(settings)), socket_(io), alarm_(io), pause_(io), next_pause_(settings_.first_pause) {
    buffer_.resize(auth::max_signer_packet + 1);
}

signer_client::~signer_client() { stop(); }

launcher::outcome<void> signer_client::spawn() {
    const auto seconds = [](std::chrono::seconds time) { return std::to_string(time.count()); };
    std::vector<std::string> words{"signer",
                                   "--fd=3",
                                   "--state-directory=" + settings_.state_directory,
                                   "--certificate-ttl=" + seconds(settings_.terms.certificate_ttl),
                                   "--renew-window=" + seconds(settings_.terms.renew_window)};
    for (const auto& host : settings_.hosts) words.push_back("--host=" + host);
    auto started = start_own_process(settings_.program, words);
    if (!started) return started.error();
    process_ = *started;
    ++life_;
    return {};
}

launcher::outcome<void> signer_client::start() {
    stopped_ = false;
    if (auto spawned = spawn(); !spawned) return spawned;
    pollfd wait{process_.fd, POLLIN, 0};
    int ready = 0;
    do ready = ::poll(&wait, 1, ready_within);
    while (ready < 0 && errno == EINTR);
    const ssize_t n = ready > 0 ? ::read(process_.fd, buffer_.data(), buffer_.size()) : -1;
    const auto event = protocol::parse_json({buffer_.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0))});
    if (!event || event->get_string("event") != "ready") {
        const std::string reason(event ? event->get_string("reason") : std::string_view());
        const int code = end_own_process(process_, ready <= 0);
        stopped_ = true;
        if (!reason.empty()) return reason;
        return "the signer (delvegate signer) could not be started: it ended with code " + std::to_string(code);
    }
    socket_.assign(std::exchange(process_.fd, -1));
    up_ = true;
    up_since_ = steady_clock::now();
    read();
    return {};
}

void signer_client::stop() {
    stopped_ = true;
    up_ = false;
    ++life_;
    pause_.cancel();
    alarm_.cancel();
    boost::system::error_code ignored;
    socket_.close(ignored);
    waiting_.clear();
    outgoing_.clear();
    writing_ = false;
    end_own_process(process_, true);
}

void signer_client::read() {
    const std::weak_ptr<int> alive = alive_;
    socket_.async_read_some(boost::asio::buffer(buffer_),
                            [this, alive, life = life_](const boost::system::error_code& ec, std::size_t n) {
                                if (alive.expired() || life != life_) return;
                                if (ec) return lost("it has ended");
                                heard({buffer_.data(), n});
                                if (!alive.expired() && life == life_) read();
                            });
}

void signer_client::write() {
    if (writing_ || outgoing_.empty()) return;
    writing_ = true;
    const std::weak_ptr<int> alive = alive_;
    // A packet is taken whole or not at all.
    socket_.async_write_some(boost::asio::buffer(outgoing_.front()),
                             [this, alive, life = life_](const boost::system::error_code& ec, std::size_t) {
                                 if (alive.expired() || life != life_) return;
                                 writing_ = false;
                                 if (ec) return lost("it takes no requests: " + ec.message());
                                 outgoing_.pop_front();
                                 write();
                             });
}

void signer_client::heard(std::string_view packet) {
    const auto parsed = protocol::parse_json(packet, {.fold_keys = false});
    if (!parsed || !parsed->if_object()) return lost("it does not speak JSON");
    if (parsed->find("event")) return heard_event(*parsed);
    const json* number = parsed->find("id");
    const auto found = waiting_.find(number ? number->as_uint().value_or(0) : 0);
    if (found == waiting_.end()) return lost("it answered what nobody asked");
    const answer done = std::move(found->second.done);
    waiting_.erase(found);
    watch();
    if (parsed->get_bool("ok")) return done(*parsed);
    const std::string reason(parsed->get_string("reason"));
    done(auth::issue_refusal(std::string(parsed->get_string("code")), reason,
                             std::string(parsed->get_string("log", reason))));
}

void signer_client::heard_event(const json& event) {
    const auto name = event.get_string("event");
    if (name == "ready") {
        up_ = true;
        up_since_ = steady_clock::now();
        log().info("the signer is back");
        if (on_changed) on_changed();
    } else if (name == "changed") {
        if (on_changed) on_changed();
    } else {
        lost(std::string(event.get_string("reason", "it has failed")));
    }
}

// One alarm, for the oldest request: its answer is the next to come.
void signer_client::watch() {
    if (waiting_.empty()) {
        alarm_.cancel();
        return;
    }
    alarm_.expires_at(waiting_.begin()->second.deadline);
    const std::weak_ptr<int> alive = alive_;
    alarm_.async_wait([this, alive, life = life_](const boost::system::error_code& ec) {
        if (ec || alive.expired() || life != life_) return;
        lost("it has not answered for " + std::to_string(settings_.time_out.count()) + " ms");
    });
}

void signer_client::lost(const std::string& why) {
    if (stopped_) return;
    const auto now = steady_clock::now();
    if (up_ && now - up_since_ >= good_life) next_pause_ = settings_.first_pause;
    up_ = false;
    ++life_;
    alarm_.cancel();
    boost::system::error_code ignored;
    socket_.close(ignored);
    end_own_process(process_, true);
    outgoing_.clear();
    writing_ = false;
    const std::weak_ptr<int> alive = alive_;
    if (on_gone) {
        log().error("the signer: {}", why);
        boost::asio::post(io_, [this, alive] {
            if (!alive.expired()) on_gone();
        });
    } else {
        log().error("the signer: {}; starting it again in {} ms", why, next_pause_.count());
        pause_.expires_after(next_pause_);
        next_pause_ = std::min(next_pause_ * 2, settings_.longest_pause);
        pause_.async_wait([this, alive, life = life_](const boost::system::error_code& ec) {
            if (!ec && !alive.expired() && life == life_) start_again();
        });
    }
    const auto left = std::exchange(waiting_, {});
    for (const auto& [id, one] : left) {
        if (alive.expired()) return;
        one.done(unavailable("the signer: " + why));
    }
}

void signer_client::start_again() {
    if (auto spawned = spawn(); !spawned) return lost(spawned.error());
    socket_.assign(std::exchange(process_.fd, -1));
    read();
}

void signer_client::ask(auth::signer_request request, answer done) {
    if (!up_) {
        boost::asio::post(io_, [alive = std::weak_ptr<int>(alive_), done = std::move(done)] {
            if (!alive.expired()) done(unavailable("the signer is not running"));
        });
        return;
    }
    request.id = ++last_id_;
    waiting_[request.id] = {std::move(done), steady_clock::now() + settings_.time_out};
    outgoing_.push_back(auth::to_text(request));
    if (waiting_.size() == 1) watch();
    write();
}

void signer_client::enroll(std::string token_hash, std::string spki, std::string source,
                           callback<auth::issued_certificate> done) {
    ask({0, auth::enroll_request{std::move(token_hash), std::move(spki), std::move(source)}},
        [done = std::move(done)](const auth::issue_result<json>& reply) { done(certificate_of(reply)); });
}

void signer_client::renew(std::string fingerprint, std::string spki, std::string proof,
                          callback<auth::issued_certificate> done) {
    ask({0, auth::renew_request{std::move(fingerprint), std::move(spki), std::move(proof)}},
        [done = std::move(done)](const auth::issue_result<json>& reply) { done(certificate_of(reply)); });
}

void signer_client::gateway_certificate(std::vector<std::string> hosts, std::string spki,
                                        callback<auth::issued_certificate> done) {
    ask({0, auth::gateway_request{std::move(hosts), std::move(spki)}},
        [done = std::move(done)](const auth::issue_result<json>& reply) { done(certificate_of(reply)); });
}

void signer_client::tokens(callback<token_state> done) {
    ask({0, auth::tokens_request{}}, [done = std::move(done)](const auth::issue_result<json>& reply) {
        if (!reply) return done(reply.error());
        done(token_state{reply->get_int("live"), reply->get_int("nextExpiry")});
    });
}

void signer_client::sign_anchor(std::string bytes, callback<signature> done) {
    ask({0, auth::anchor_request{std::move(bytes)}}, [done = std::move(done)](const auth::issue_result<json>& reply) {
        if (!reply) return done(reply.error());
        auto text = auth::from_base64(reply->get_string("signature"));
        auto key = auth::from_base64(reply->get_string("publicKey"));
        if (!text || text->empty() || !key || key->empty()) return done(nonsense());
        done(signature{std::move(*text), std::move(*key)});
    });
}

void signer_client::revoked(callback<revoked_list> done) {
    ask_revoked({}, std::make_shared<revoked_list>(), std::move(done));
}

void signer_client::ask_revoked(auth::revoked_request from, std::shared_ptr<revoked_list> so_far,
                                callback<revoked_list> done) {
    ask({0, std::move(from)}, [this, so_far, done = std::move(done)](const auth::issue_result<json>& reply) {
        if (!reply) return done(reply.error());
        const json* serials = reply->find("serials");
        const json* users = reply->find("users");
        if (!serials || !serials->if_array() || !users || !users->if_array()) return done(nonsense());
        for (const auto& one : *serials->if_array())
            so_far->serials.emplace_back(one.get_string("issuer"), one.get_string("serial"));
        for (const auto& one : *users->if_array())
            if (one.is_string()) so_far->users.push_back(*one.if_string());
        const json* next = reply->find("next");
        if (!next) return done(std::move(*so_far));
        ask_revoked({std::string(next->get_string("serial")), std::string(next->get_string("user"))}, so_far, done);
    });
}

}  // namespace gateway
