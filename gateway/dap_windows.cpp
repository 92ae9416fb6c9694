#include "gateway/dap_windows.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <utility>

#include "gateway/hub.h"

namespace gateway {

using protocol::json;

namespace {

std::uint64_t next_number() {
    static std::atomic<std::uint64_t> number = 0;
    return ++number;
}

}  // namespace

// A response on its way to who asked, and into the answers of this stop.
struct shared_window::passage final : response_sink {
    passage(shared_window& of, response_sink& to, std::string key, const question& q)
        : window(of), sink(&to), answer(std::move(key)), command(q.command), arguments(q.arguments), in_frames(q.command == "stackTrace") {}

    bool begin(std::uint64_t rest) override {
        if (!sink->begin(rest)) sink = nullptr;
        return true;  // read to its end in any case: the next one's comes behind it
    }
    bool piece(std::string_view bytes, bool last) override {
        window.marks.see(bytes, in_frames);
        if (answer.kept() && !answer.add(bytes)) give_up();
        auto* const to = sink;
        if (!last) return !to || to->piece(bytes, false) || window.asking_.size() > 1;
        window.owners.learn(command, arguments, window.marks);
        window.marks.end_of_message();
        const auto over = window.finish(*this);
        if (answer.kept()) {
            const auto key = answer.key();
            window.hub_.ask_again(window.hub_.kept_answers().answered(key, answer.take()));
        }
        return !to || to->piece(bytes, true);
    }
    void sent() override {
        if (sink) sink->sent();
    }
    void broken(std::string_view reason) override {
        const auto over = window.finish(*this);
        give_up();
        if (sink) sink->broken(reason);
    }
    void give_up() {
        const auto none = std::exchange(answer, {});
        if (none.kept()) window.hub_.ask_again(window.hub_.kept_answers().given_up(none.key()));
    }

    shared_window& window;
    response_sink* sink;
    passing_answer answer;
    std::string command;
    json arguments;
    bool in_frames;
};

shared_window::shared_window(hub& of, json initialize)
    : hub_(of),
      initialize_(std::move(initialize)),
      number_(next_number()),
      window_(of.context(), of.route(),
              {.event = [this](std::string_view name, const json& body) { event(name, body); },
               .closed = [this](std::string reason) { closed(reason); }}) {}

shared_window::~shared_window() = default;

std::unique_ptr<shared_window::passage> shared_window::finish(const passage& p) {
    asking_.pop_front();
    const auto at = std::find_if(passages_.begin(), passages_.end(), [&](const auto& one) { return one.get() == &p; });
    auto over = std::move(*at);
    passages_.erase(at);
    return over;
}

void shared_window::ask(window_user* u, std::string command, json arguments, dap_window::on_response done) {
    asking_.push_back(u);
    window_.call(std::move(command), std::move(arguments), [this, done = std::move(done)](dap_outcome out) {
        asking_.pop_front();
        done(std::move(out));
    });
    window_.resume();
}

void shared_window::call(window_user& u, std::string command, json arguments, dap_window::on_response done) {
    ask(&u, std::move(command), std::move(arguments), std::move(done));
}

void shared_window::initialize(dap_window::on_response done) {
    ask(nullptr, "initialize", initialize_, [this, done = std::move(done)](dap_outcome out) {
        initialized_ = out.success;
        done(std::move(out));
    });
}

void shared_window::attach(const json& arguments, ready go) {
    if (attached_) return go({});
    awaiting_.push_back(std::move(go));
    if (awaiting_.size() > 1) return;
    attach_ = arguments;
    if (initialized_) return begin_attach();
    initialize([this](const dap_outcome& out) {
        if (out.success) return begin_attach();
        for (const auto& one : std::exchange(awaiting_, {})) one(out.error);
    });
}

void shared_window::begin_attach() {
    ask(nullptr, "attach", attach_, [this](const dap_outcome& out) {
        attached_ = out.success;
        for (const auto& one : std::exchange(awaiting_, {})) one(out.success ? std::string() : out.error);
    });
}

bool shared_window::look(window_user& u, const question& q, response_sink& sink) {
    auto* const answers = q.shareable ? hub_.answers() : nullptr;
    std::string key;
    if (answers) {
        key = "DAP " + std::to_string(number_) + ' ' + q.command + ' ' + protocol::to_text(q.arguments);
        if (const auto known = answers->find(key)) {
            if (sink.begin(known->size())) sink.piece(*known, true);
            return true;
        }
        if (answers->is_asked(key)) {
            answers->wait(key, {&u.as_viewer(), q.again, q.refused});
            return false;
        }
        answers->asked(key);
    }
    auto& passing = *passages_.emplace_back(std::make_unique<passage>(*this, sink, std::move(key), q));
    asking_.push_back(&u);
    window_.stream(q.command, q.arguments, passing);
    // Nobody waits for who reads slowly.
    if (asking_.size() > 1) window_.resume();
    return true;
}

void shared_window::event(std::string_view name, const json& body) {
    // It is about what is being asked.
    if (!asking_.empty() && asking_.front()) asking_.front()->window_event(name, body);
}

void shared_window::closed(const std::string& reason) {
    closed_ = true;
    const auto keep = shared_from_this();
    for (auto* u : std::set<window_user*>(users_))
        if (users_.contains(u)) u->window_closed(reason);
}

// --- all of them ----------------------------------------------------------------------------------------

std::shared_ptr<shared_window> dap_windows::open(window_user& u, const json& initialize) {
    auto made = std::make_shared<shared_window>(hub_, initialize);
    made->users_.insert(&u);
    return made;
}

std::shared_ptr<shared_window> dap_windows::share(window_user& u, const std::string& key, const json& initialize,
                                                  std::shared_ptr<shared_window> mine) {
    std::erase_if(shared_, [](const auto& one) {
        const auto w = one.second.lock();
        return !w || w->closed_;
    });
    auto& known = shared_[key];
    auto found = known.lock();
    if (!found) {
        found = mine ? mine : open(u, initialize);
        known = found;
    }
    if (mine && mine != found) leave(u, *mine);
    found->users_.insert(&u);
    return found;
}

void dap_windows::leave(window_user& u, shared_window& w) {
    w.users_.erase(&u);
    std::replace(w.asking_.begin(), w.asking_.end(), &u, static_cast<window_user*>(nullptr));
    // It may be the one that is calling.
    boost::asio::post(hub_.context(), [keep = w.shared_from_this()] {});
}

void dap_windows::keep(window_user& u, shared_window& w) {
    std::erase_if(shared_, [&](const auto& one) { return one.second.lock().get() == &w; });
    for (auto* other : std::exchange(w.users_, {&u}))
        if (other != &u) other->window_lost();
}

const dap_outcome* dap_windows::capabilities(const json& initialize) const {
    const auto found = capabilities_.find(protocol::to_text(initialize));
    return found == capabilities_.end() ? nullptr : &found->second;
}

void dap_windows::note(const json& initialize, const dap_outcome& out) {
    // Clients name themselves in it: there are no more of them than people bring.
    constexpr std::size_t most = 64;
    if (out.success && capabilities_.size() < most) capabilities_.emplace(protocol::to_text(initialize), out);
}

void dap_windows::forget() {
    shared_.clear();
    capabilities_.clear();
}

}  // namespace gateway
