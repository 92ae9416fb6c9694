#include "gateway/laptop_link.h"

#include <sys/stat.h>

#include <algorithm>

namespace gateway {
namespace {

constexpr std::chrono::milliseconds dial_time{10'000};
constexpr std::chrono::milliseconds first_pause{250};
constexpr std::chrono::milliseconds longest_pause{15'000};
constexpr std::chrono::milliseconds unwanted_pause{60'000};  // when the gateway did not want this certificate
constexpr std::chrono::milliseconds renewal_look{1'000};

std::string look_of(const std::string& file) {
    struct stat st {};
    if (::stat(file.c_str(), &st) != 0) return "none";
    return std::to_string(st.st_ino) + " " + std::to_string(st.st_size) + " " + std::to_string(st.st_mtim.tv_sec) + "." +
           std::to_string(st.st_mtim.tv_nsec);
}

}  // namespace

laptop_link::laptop_link(boost::asio::io_context& io, link_settings settings, link_watcher& watcher)
    : io_(io), settings_(std::move(settings)), watcher_(watcher), pause_(io), next_pause_(first_pause) {}

laptop_link::~laptop_link() { close("delvegate connect ends"); }

void laptop_link::start() {
    if (closed_ || up_ || dialling_) return;
    dial_now();
}

void laptop_link::open(std::string component, std::shared_ptr<stream_caller> caller) {
    if (closed_) return caller->failed("delvegate connect is ending");
    if (up_) return connection_->open(component, std::move(caller), settings_.paths);
    waiting_.emplace_back(std::move(component), std::move(caller));
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
    for (auto& [component, caller] : std::exchange(waiting_, {})) caller->failed(reason);
    if (connection_) connection_->close(reason);
}

// --- dialling ---

void laptop_link::dial_now() {
    dialling_ = true;
    pause_.cancel();
    dial(io_, settings_.host, settings_.port, dial_time,
         [this, alive = std::weak_ptr<char>(alive_)](or_reason<boost::asio::ip::tcp::socket> socket) {
             if (!alive.expired()) dialled(std::move(socket));
         });
}

void laptop_link::dialled(or_reason<boost::asio::ip::tcp::socket> socket) {
    if (!socket) return down({trouble::unreachable, socket.error()});
    dialled_with_ = look_of(settings_.files.certificate);
    auto context = auth::make_client_context(settings_.files);
    if (!context) return down({trouble::certificate, context.error()});
    context_ = std::move(*context);
    const auto& name = settings_.server_name.empty() ? settings_.host : settings_.server_name;
    connection_ = std::make_shared<laptop_connection>(io_, name, settings_.files, *this);
    connection_->start(std::move(*socket), context_.get());
}

void laptop_link::down(const link_problem& why) {
    dialling_ = false;
    up_ = false;
    connection_.reset();
    // Those that wait are told; the next one is worth another dial.
    for (auto& [component, caller] : std::exchange(waiting_, {})) caller->failed(why.line);
    watcher_.link_down(why);
    if (!was_up_ || closed_ || dialling_) return;
    // With the same certificate it would be the same again.
    if (why.kind == trouble::certificate || why.kind == trouble::expelled)
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
    next_pause_ = first_pause;
    const auto waiting = std::exchange(waiting_, {});
    for (const auto& [component, caller] : waiting) connection_->open(component, caller, settings_.paths);
    watcher_.link_up();
}

void laptop_link::listed(const std::vector<component_summary>& components) {
    watcher_.listed(components);
}

// Streams that are there may end in peace; the connection ends itself. New ones get the reason.
void laptop_link::leaving(std::string_view) {}

void laptop_link::gone(const link_problem& why) {
    // A link that just worked was lost by accident, more often than not: its streams ask for a new
    // one at once. They hear of it after this call.
    down(why);
}

}  // namespace gateway
