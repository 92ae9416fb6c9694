#include "gateway/laptop_link.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "gateway/host_calls.h"

namespace gateway {
namespace {

constexpr std::chrono::milliseconds dial_time{10'000};
constexpr std::chrono::milliseconds first_pause{250};
constexpr std::chrono::milliseconds longest_pause{15'000};
constexpr std::chrono::milliseconds unwanted_pause{60'000};  // when the gateway did not want this certificate
constexpr std::chrono::milliseconds renewal_look{1'000};
constexpr std::chrono::milliseconds steady_after{1'000};
constexpr std::chrono::seconds margin{5};  // a gateway's last second may still be a yes

std::string look_of(const std::string& file) {
    struct stat st {};
    if (::stat(file.c_str(), &st) != 0) return "none";
    return std::to_string(st.st_ino) + " " + std::to_string(st.st_size) + " " + std::to_string(modified_at(st).tv_sec) + "." +
           std::to_string(modified_at(st).tv_nsec);
}

}  // namespace

laptop_link::laptop_link(boost::asio::io_context& io, link_settings settings, link_watcher& watcher)
    : io_(io),
      settings_(std::move(settings)),
      watcher_(watcher),
      pause_(io),
      patience_(io),
      next_pause_(first_pause) {}

laptop_link::~laptop_link() { close("delvegate connect ends"); }

void laptop_link::start() {
    if (closed_ || up_ || dialling_) return;
    dial_now();
}

void laptop_link::open(std::string component, std::shared_ptr<stream_caller> caller, std::string stop, bool again) {
    if (closed_) return caller->failed("delvegate connect is ending");
    if (up_) return connection_->open(component, std::move(caller), settings_.paths, stop, again);
    waiting_.push_back({std::move(component), std::move(caller), std::move(stop), again});
    start();
}

void laptop_link::list() {
    if (up_) connection_->list();
}

void laptop_link::close(std::string_view reason) {
    if (std::exchange(closed_, true)) return;
    alive_.reset();
    up_ = false;
    pause_.cancel();
    for (auto& one : std::exchange(waiting_, {})) one.caller->failed(reason);
    if (connection_) connection_->close(reason);
    give_up(reason);
}

// --- dialling ---

void laptop_link::dial_now() {
    dialling_ = true;
    pause_.cancel();
    dial(io_, settings_.host, settings_.port, settings_.via, dial_time,
         [this, alive = std::weak_ptr<char>(alive_)](or_reason<way_there> way) {
             if (!alive.expired()) dialled(std::move(way));
         });
}

void laptop_link::dialled(or_reason<way_there> way) {
    if (!way) return down({trouble::unreachable, way.error()});
    dialled_with_ = look_of(settings_.files.certificate);
    auto context = auth::make_client_context(settings_.files);
    if (!context) return down({trouble::certificate, context.error()});
    context_ = std::move(*context);
    const auto& name = settings_.server_name.empty() ? settings_.host : settings_.server_name;
    connection_ = std::make_shared<laptop_connection>(io_, name, settings_.files, *this);
    connection_->start(std::move(*way), context_.get(), broken_.get());
}

void laptop_link::down(const link_problem& why, bool was_there) {
    dialling_ = false;
    up_ = false;
    last_trouble_ = why.kind;
    connection_.reset();
    // Those that wait are told; the next one is worth another dial. So are they where a gateway was, and broke off.
    const bool may_wait = was_there && was_up_ && why.kind == trouble::unreachable;
    for (auto& one : std::exchange(waiting_, {})) {
        if (may_wait && one.dials-- > 0)
            waiting_.push_back(std::move(one));
        else
            one.caller->failed(why.line);
    }
    watcher_.link_down(why);
    if (!was_up_ || closed_ || dialling_) return;
    // With the same certificate it would be the same again. While IDEs wait it may be something else in between, that
    // takes connections and has no gateway behind it yet.
    if (why.kind == trouble::expelled || (why.kind == trouble::certificate && !broken_))
        dial_when_renewed(std::chrono::steady_clock::now() + unwanted_pause);
    else
        dial_later();
}

void laptop_link::dial_later() {
    pause_.expires_after(next_pause_);
    next_pause_ = std::min(next_pause_ * 2, longest_pause);
    pause_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
        if (!ec && !alive.expired()) start();
    });
}

void laptop_link::dial_when_renewed(std::chrono::steady_clock::time_point at_the_latest) {
    pause_.expires_after(renewal_look);
    pause_.async_wait([this, at_the_latest, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
        if (ec || alive.expired()) return;
        if (std::chrono::steady_clock::now() >= at_the_latest || look_of(settings_.files.certificate) != dialled_with_)
            return start();
        dial_when_renewed(at_the_latest);
    });
}

// --- the connection ---

void laptop_link::greeted() {
    dialling_ = false;
    up_ = true;
    was_up_ = true;
    up_since_ = std::chrono::steady_clock::now();
    next_pause_ = first_pause;
    keep_time_ = connection_->keep_time();
    const auto all = std::exchange(waiting_, {});
    for (const auto& one : all) connection_->open(one.component, one.caller, settings_.paths, one.stop, one.again);
    watcher_.link_up();
}

void laptop_link::listed(const std::vector<component_summary>& components) {
    watcher_.listed(components);
}

// Streams that are there may end in peace; the connection ends itself. New ones get the reason.
void laptop_link::leaving(std::string_view) {}

// A link that just worked was lost by accident, more often than not: it is dialled again at once, by streams that have
// nothing to go on with (they hear of it after this call), or here.
void laptop_link::gone(const link_problem& why, std::unique_ptr<broken_link> left) {
    const bool fresh = left != nullptr;
    if (left) {
        broken_ = std::move(left);
        broken_since_ = std::chrono::system_clock::now();
        give_up_later(broken_->time + margin);
    }
    down(why, true);
    // There is no way back in.
    if (why.kind == trouble::expelled) give_up(why.line);
    // One that breaks again and again is dialled with pauses.
    if (fresh && std::chrono::steady_clock::now() - up_since_ >= steady_after) start();
}

void laptop_link::resumed(std::string_view refusal, bool unknown) {
    if (!broken_) return;
    // A laptop that slept for longer than a gateway waits has nothing to come back to.
    const bool in_time = std::chrono::system_clock::now() - broken_since_ <= broken_->time + margin;
    give_up(refusal, unknown && in_time);
}

// By this clock, which may stand still while the laptop sleeps: then it is for the gateway to say.
void laptop_link::give_up_later(std::chrono::milliseconds time) {
    patience_.expires_after(time);
    patience_.async_wait([this, alive = std::weak_ptr<char>(alive_)](const boost::system::error_code& ec) {
        if (ec || alive.expired() || !broken_) return;
        if (dialling_) return give_up_later(first_pause);  // the answer is on its way
        give_up("there was no way back to the gateway within " + std::to_string(broken_->time.count()) + " s");
    });
}

void laptop_link::give_up(std::string_view reason, bool unknown) {
    patience_.cancel();
    const auto broken = std::move(broken_);
    if (!broken) return;
    const std::string why(reason);
    broken->undecided.clear();
    if (unknown)
        broken->streams.forget(why);
    else
        broken->streams.close(why);
    broken->streams.collect();
}

}  // namespace gateway
