// The window at dlv that a DAP view looks through, which others may share.
#include <algorithm>

#include "gateway/await.h"
#include "gateway/dap_view.h"

namespace gateway {

using protocol::json;

// Who has attached alike, and may do the same, sees the same.
std::string dap_view::window_key() const {
    return protocol::to_text(initialize_arguments_) + '\n' + protocol::to_text(attach_arguments_) + '\n' +
           to_string(grants().classes());
}

void dap_view::take_window() {
    if (window_ && !taken_as_.empty()) return;
    taken_as_ = window_key();
    window_ = hub_.windows().share(*this, taken_as_, initialize_arguments_, window_);
    if (left_) hub_.windows().leave(*this, *window_);  // a last deed of somebody who has gone
}

void dap_view::leave_window() {
    hub_.windows().leave(*this, *window_);
    window_lost();
}

void dap_view::window_lost() {
    window_.reset();
    taken_as_.clear();
    blank_ = true;
}

// Settings are the session's: the others keep theirs.
void dap_view::change_settings(const judged& j) {
    if (!window_ || j.arguments.get_string("expression").find("-list") != std::string_view::npos) return;
    if (!hub_.windows().is_shared(*window_)) return hub_.windows().keep(*this, *window_);
    leave_window();
    taken_as_ = window_key();
    window_ = hub_.windows().open(*this, initialize_arguments_);
    // What it shows of this stop is to be asked for anew.
    tell_again_ = true;
}

void dap_view::with_window(std::function<void(std::string)> go) {
    take_window();
    window_->attach(attach_arguments_, std::move(go));
}

asio::awaitable<dap_outcome> dap_view::ask_window(std::string command, json arguments) {
    take_window();
    const auto window = window_;
    // By reference, which live as long as this coroutine: what a closure within a co_await expression
    // holds by value, g++ 12 copies bit by bit and destroys twice.
    const auto problem = co_await await_callback<std::string>(
        [this, &window](auto done) { window->attach(attach_arguments_, std::move(done)); });
    if (!problem.empty()) {
        dap_outcome none;
        none.error = problem;
        co_return none;
    }
    co_return co_await await_callback<dap_outcome>([this, &window, &command, &arguments](auto done) {
        window->call(*this, std::move(command), std::move(arguments), std::move(done));
    });
}

void dap_view::window_event(std::string_view name, const json& body) {
    if (name == "stopped") window_stopped_ = true;
    if (name != "output" && name != "invalidated" && name != "memory") return;
    if (protocol::to_text(body).size() > limits_.dap_reply)
        return console("delvegate: " + too_large("an event of dlv's", "dapReply", limits_.dap_reply));
    event(name, body);
}

void dap_view::window_closed(const std::string& reason) {
    if (over_ || terminated_) return;
    console("delvegate: dlv closed this session's window: " + reason);
    event("terminated", {});
    terminated_ = true;
    finish();
}

}  // namespace gateway
