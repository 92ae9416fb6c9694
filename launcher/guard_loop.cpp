#include "launcher/guard_loop.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <cerrno>

#include "launcher/guard_words.h"

namespace launcher {

namespace {

using protocol::json;
using std::chrono::milliseconds;

constexpr std::size_t most_connections = 64;
constexpr milliseconds often{250}, seldom{1'000}, at_work{50};
constexpr milliseconds force_again{1'000};

std::string_view to_string(budget_clock::level l) {
    switch (l) {
        case budget_clock::level::fine: return "fine";
        case budget_clock::level::disturbed: return "disturbed";
        case budget_clock::level::used_up: return "used up";
    }
    return "fine";
}

std::string_view to_string(const std::optional<budget_clock::seen>& s) {
    if (!s) return "unknown";
    switch (*s) {
        case budget_clock::seen::stopped: return "stopped";
        case budget_clock::seen::running: return "running";
        case budget_clock::seen::exited: return "exited";
    }
    return "unknown";
}

}  // namespace

// Of the boot: a suspended machine keeps nobody from waiting, and a later guard reads the same clock.
guard_loop::time guard_loop::now() {
    timespec t{};
    ::clock_gettime(CLOCK_BOOTTIME, &t);
    return milliseconds(std::int64_t(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000);
}

guard_loop::guard_loop(const guard_settings& settings, guard_memory memory)
    : settings_(settings),
      memory_(std::move(memory)),
      log_(settings.log_fd, settings.component),
      clock_(settings.budget.disturb, settings.budget.damage, settings.duty),
      watch_(settings.address, [this](seen what) { saw(what); }, now()),
      deeds_(settings.address, taken_, [this] { remember(true); }),
      callers_(settings.control_fd,
               [this](const json& request, const guard_callers::answer& answer) { asked(request, answer); }),
      ceiling_(settings.ceiling),
      alive_at_(now()) {
    for (const int fd : {settings.control_fd, settings.listen_fd})
        if (fd >= 0) ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    recall();
}

// A guard that was killed has left its count and what it took; the new one goes on from there.
void guard_loop::recall() {
    const json old = memory_.read();
    if (old.get_string("component") != settings_.component ||
        old.get_string("dlv") != launcher::to_string(settings_.address))
        return;
    const guard_status was = status_from(old);
    const time since = std::max(time(0), now() - time(old.get_int("boottimeMs")));
    if (const auto* list = was.taken.if_array()) taken_ = *list;
    forced_ = was.forced_resumes;
    stops_refused_ = was.stops_refused;
    kept_off_ = was.kept_off;
    if (was.parked > since) {
        clock_.hold(now() + was.parked - since);
        park_ = was.park;
        parked_from_ = now();
    }
    refusals_ = was.refusals;
    off_ = was.breakpoints_off;
    off_at_ = now();
    if (was.counting) clock_.start(now(), was.spent + (was.state == "stopped" ? since : time(0)));
    else if (was.at_entry) entry_since_ = now() - was.entry_for - since;
    // What was taken from it stays taken until the launcher says otherwise.
    if (old.find("ceiling")) ceiling_ = ceiling_.without(ceiling_.without(was.ceiling));
    log_.say("went on where an earlier guard left off");
}

bool guard_loop::duty_done() const { return !off_ || clock_.duty_done_since(off_at_); }

guard_loop::time guard_loop::mercy() const {
    if (settings_.mercy >= time(0)) return settings_.mercy;
    return std::clamp<time>(milliseconds(settings_.budget.damage) / 2, milliseconds(2'000), milliseconds(30'000));
}

void guard_loop::entry_is_over() {
    if (!entry_since_) return;
    entry_since_.reset();
    clock_.start(now());
}

guard_status guard_loop::status() const {
    guard_status s;
    const auto t = now();
    s.state = to_string(sight_);
    s.stopped_for = sight_ == seen::stopped ? t - stopped_since_ : time(0);
    s.spent = clock_.spent(t);
    s.left = settings_.budget.damage.count() == 0 ? time(0) : clock_.left(t);
    s.budget = to_string(clock_.at(t));
    s.counting = clock_.counting();
    s.at_entry = entry_since_.has_value();
    s.entry_for = entry_since_ ? t - *entry_since_ : time(0);
    s.ceiling = ceiling_;
    s.gateway_alive = gateway_alive_;
    s.breakpoints_off = off_;
    s.duty_done = duty_done();
    s.forced_resumes = forced_;
    s.stops_refused = stops_refused_;
    s.kept_off = kept_off_ + (off_ ? t - off_at_ : time(0));
    s.parked = clock_.held_for(t);
    s.park = park_;
    s.connections = relays_.size();
    s.refusals = refusals_;
    s.taken = taken_;
    return s;
}

// Written when something has changed, and every second while the count grows.
void guard_loop::remember(bool at_once) {
    const auto t = now();
    json state = json::object{};
    state.set("component", settings_.component);
    state.set("dlv", launcher::to_string(settings_.address));
    state.set("boottimeMs", std::int64_t(t.count()));
    const json all = to_json(status());
    std::string key;
    for (const auto& [name, value] : *all.if_object()) {
        state.set(name, value);
        if (name != "keptOffMs" && name != "parkedMs" && name != "stoppedForMs" && name != "spentMs" && name != "leftMs" && name != "entryForMs") key += to_text(value) + ' ';
    }
    const bool due = sight_ == seen::stopped && t - remembered_at_ >= seldom;
    if (!at_once && !due && key == remembered_) return;
    remembered_ = key;
    remembered_at_ = t;
    memory_works_ = memory_.write(state);
    if (!memory_works_) log_.say_rationed(memory_works_.error(), t);
}

void guard_loop::saw(seen what) {
    const auto t = now();
    if (what == seen::running) deeds_.program_is_back();
    if (what == seen::stopped && deeds_.program_gone()) what = seen::exited;
    if (what == seen::stopped && sight_ != seen::stopped) stopped_since_ = t;
    sight_ = what;
    if (what == seen::running) entry_is_over();
    clock_.see(t, what);
    deeds_.saw(what);
}

filter_rules guard_loop::rules() const {
    filter_rules r;
    r.ceiling = ceiling_;
    r.component = settings_.component;
    if (ceiling_.empty())
        r.closed = settings_.component + " is not armed any more: root arms it on the node with `delvegate arm " +
                   settings_.component + "`";
    if (!duty_done()) {
        const auto until = " until it has run freely for " + std::to_string((settings_.duty.count() + 999) / 1000) +
                           " s: it was stopped for too long";
        r.no_breakpoints = "breakpoints of " + settings_.component + " are kept off" + until;
        r.no_stops = settings_.component + " is not stopped again" + until;
    }
    r.stands = sight_ == seen::stopped && !deeds_.busy();
    return r;
}

void guard_loop::admit() {
    unique_fd gateway(::accept4(settings_.listen_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const auto t = now();
    if (!gateway) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) admit_again_ = t + seldom;
        return;
    }
    if (!trusted_peer(gateway.get())) return log_.say_rationed("a connection from another user was refused", t);
    if (relays_.size() >= most_connections)
        return log_.say_rationed("a connection was refused: there are " + std::to_string(most_connections), t);
    relays_.emplace_back(std::move(gateway), settings_.address,
                         guard_relay::told{[this](const std::string& operation, bool for_duty) {
                                               ++(for_duty ? stops_refused_ : refusals_);
                                               log_.say_rationed("refused: " + operation, now());
                                           },
                                           [this] {
                                               entry_is_over();
                                               clock_.interrupted(now());
                                               deeds_.program_is_back();
                                           }},
                         t);
}

void guard_loop::cut(const std::string& why) {
    if (!relays_.empty()) log_.say(std::to_string(relays_.size()) + " connections were cut: " + why);
    relays_.clear();
    ++cuts_;
}

// The hub keeps the budget while its gateway lives. When it is gone nobody else does; and a gateway that only says that
// it lives, while the program stands beyond all measure, is as good as gone.
void guard_loop::keep_budget() {
    const auto t = now();
    const bool alive = t - alive_at_ < settings_.gateway_silence;
    if (alive != gateway_alive_) log_.say(alive ? "the gateway is back" : "the gateway is gone");
    gateway_alive_ = alive;
    if (off_ && taken_.empty() && duty_done() && !deeds_.busy()) are_on();
    if (!park_.stop.empty() && !clock_.held(t)) {
        log_.say("the park of stop " + park_.stop + " is over");
        park_ = {};
        remember(true);
    }
    // Without a budget it may stand for as long as anybody likes, there as elsewhere.
    const bool long_at_entry = entry_since_ && settings_.budget.damage.count() > 0 && t - *entry_since_ >= settings_.entry_limit;
    const bool used_up = clock_.at(t) == budget_clock::level::used_up;
    const bool beyond = used_up && clock_.overdue(t) >= mercy();
    if (clock_.held(t) || !(long_at_entry || beyond || (used_up && !alive)) || sight_ != seen::stopped) return;
    if (deeds_.busy() || !orders_.empty() || (forced_at_ != time(0) && t - forced_at_ < force_again)) return;
    forced_at_ = t;
    ++forced_;
    log_.say(std::string(long_at_entry ? "it has stood at its entry for too long"
                         : alive       ? "the stop budget is used up, and the gateway is there and has not acted"
                                       : "the stop budget is used up and the gateway is gone") +
             ": breakpoints are switched off and it goes on");
    orders_.push_back({deed::off, [this](const std::string& error) {
                           log_.say(error.empty() ? "it runs again" : "it was let go, but: " + error);
                       }});
}

// A gateway that came before the duty was done is not to see the program halted under it: at its next stop.
void guard_loop::give_back() {
    const auto t = now();
    if (!off_ || taken_.empty() || !duty_done() || deeds_.busy() || !orders_.empty()) return;
    if (!gateway_alive_ || relays_.empty() || sight_ != seen::stopped || t < given_at_ + force_again) return;
    given_at_ = t;
    orders_.push_back({deed::on_where_it_stands, [this](const std::string& error) {
                           log_.say_rationed(error.empty() ? "a duty was done: breakpoints are on again"
                                                           : "breakpoints are not on again: " + error, now());
                       }});
}

void guard_loop::are_on() {
    if (!off_) return;
    off_ = false;
    const time so_long = now() - off_at_;
    kept_off_ += so_long;
    log_.say("breakpoints were off for " + std::to_string(so_long.count()) + " ms; altogether for " + std::to_string(kept_off_.count()) +
             " ms, with " + std::to_string(forced_) + " stops cut short and " + std::to_string(stops_refused_) + " refused");
}

void guard_loop::serve_orders() {
    if (deeds_.busy() || orders_.empty()) return;
    auto next = std::move(orders_.front());
    orders_.pop_front();
    const bool on = next.what == deed::on || next.what == deed::on_where_it_stands;
    // Several connections that come at once ask for it; the program is halted for the first.
    if (on && !off_) return next.done({});
    if (!on) cut("the guard resumes the program");
    const auto t = now();
    if (next.what == deed::off) {
        if (off_) kept_off_ += t - off_at_;
        off_ = true;
        off_at_ = t;
    }
    clock_.interrupted(t);
    deeds_.begin(next.what, t, [this, on, done = std::move(next.done)](const std::string& error) {
        clock_.interrupted(now());
        if (on && taken_.empty()) are_on();
        remember(true);
        done(error);
    });
}

guard_loop::time guard_loop::interval() const {
    if (deeds_.busy() || !orders_.empty() || !parks_.empty()) return at_work;
    const bool calm = sight_ == seen::running && clock_.spent(now()) == time(0) && duty_done();
    return calm || sight_ == seen::exited ? seldom : often;
}

guard_loop::time guard_loop::next_event() const {
    auto when = std::min(watch_.next(interval()), now() + seldom);
    for (const auto& r : relays_) when = std::min(when, r.deadline());
    return when;
}

void guard_loop::round() {
    const auto t = now();
    watch_.work(t, interval());
    keep_budget();
    give_back();
    serve_orders();
    serve_parks();
    deeds_.work(t);
    const auto r = rules();
    for (auto& relay : relays_) relay.work(r, t);
    relays_.remove_if([](const guard_relay& relay) { return relay.over(); });
    remember(false);

    poll_set polls;
    callers_.add_to(polls);
    if (settings_.in_path && settings_.listen_fd >= 0 && !deeds_.busy() && t >= admit_again_)
        polls.add(settings_.listen_fd, POLLIN, [this](short) { admit(); });
    auto lines = deeds_.lines();
    lines.push_back(&watch_.line());
    for (auto* line : lines)
        if (line->is_open()) polls.add(line->fd(), line->events(), [line](short e) { line->ready(e); });
    // A caller's verb may cut them all before their turn has come.
    for (auto& relay : relays_) {
        auto* const one = &relay;
        polls.add(relay.gateway_fd(), relay.gateway_events(), [this, one, before = cuts_](short e) {
            if (cuts_ == before) one->gateway_ready(e);
        });
        polls.add(relay.dlv_fd(), relay.dlv_events(), [this, one, before = cuts_](short e) {
            if (cuts_ == before) one->dlv_ready(e);
        });
    }
    polls.wait(next_event() - now());
}

int guard_loop::run() {
    log_.say("keeps watch, ceiling " + to_string(ceiling_) + (settings_.in_path ? ", in the path" : ", beside the path"));
    while (!ended_ && watch_.gone().empty()) round();
    cut("the guard ends");
    log_.say(ended_ ? "ends as asked" : watch_.gone());
    remember(true);
    return 0;
}

}  // namespace launcher
