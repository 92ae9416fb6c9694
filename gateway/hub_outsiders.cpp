#include "gateway/hub_outsiders.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "gateway/breakpoint_list.h"
#include "gateway/breakpoint_replies.h"
#include "gateway/component_log.h"
#include "gateway/hub.h"
#include "gateway/hub_looks.h"
#include "protocol/printable.h"

namespace gateway {

using protocol::json;

namespace {

constexpr auto each = std::chrono::seconds(1);
constexpr auto after_a_stop = std::chrono::milliseconds(200);  // who steps on at once is not disturbed
constexpr int max_open = 4;

std::vector<std::pair<std::int64_t, std::uint64_t>> places(const target_state& state) {
    std::vector<std::pair<std::int64_t, std::uint64_t>> all;
    for (const auto& t : state.threads) all.emplace_back(t.id, t.pc);
    std::sort(all.begin(), all.end());
    return all;
}

std::int64_t hits_in(const target_state& state) {
    std::int64_t all = 0;
    for (const auto& t : state.threads)
        if (t.breakpoint) all += t.breakpoint->hits;
    return all;
}

std::string place_of(const breakpoint_wish& w) { return w.file + ":" + std::to_string(w.line); }

std::string joined(const std::vector<std::string>& all) {
    std::string text;
    for (const auto& one : all) text += (text.empty() ? "" : ", ") + one;
    return text;
}

}  // namespace

hub_outsiders::hub_outsiders(hub& of) : hub_(of), timer_(of.context_) {}

void hub_outsiders::begin() {
    if (hub_.settings_.outsiders) arm(each);
}

void hub_outsiders::stands() {
    if (hub_.settings_.outsiders) arm(after_a_stop);
}

void hub_outsiders::end() {
    timer_.cancel();
    open_ = 0;
    hits_.reset();
    suspected_.reset();
    if (lists_) boost::asio::post(hub_.context_, [old = std::shared_ptr<rpc_channel>(std::move(lists_))] {});
}

void hub_outsiders::arm(std::chrono::milliseconds later) {
    timer_.expires_after(later);
    timer_.async_wait([this](const error_code& ec) {
        if (ec) return;
        arm(each);
        look();
    });
}

// Nothing of ours runs the program, or is about to.
std::optional<hub_outsiders::moment> hub_outsiders::at_rest() const {
    if (!hub_.door_ || hub_.run_starting_ || hub_.motion_ != hub::motion::still) return std::nullopt;
    if (hub_.phase_ != phase::stopped && hub_.phase_ != phase::exited) return std::nullopt;
    return moment{hub_.generation_, hub_.stops_, hub_.jobs_done_};
}

// Nothing of ours is under way that could be what is seen.
std::optional<hub_outsiders::moment> hub_outsiders::quiet() const {
    if (hub_.job_active_) return std::nullopt;
    return at_rest();
}

void hub_outsiders::look() {
    const auto at = at_rest();
    if (!at || open_ >= max_open) return;
    ++open_;
    hub_.ask_->call("RPCServer.State", "{\"NonBlocking\":true}", [this, at, calm = quiet() == at](rpc_outcome out) {
        if (std::get<0>(*at) != hub_.generation_) return;
        --open_;
        if (calm && quiet() == at) return judge(std::move(out));
        // What we have under way dlv answers at the next stop only, if an outsider runs the program: that is seen all the same.
        // Once is not enough: to choose a goroutine counts as running for dlv, while it is done.
        if (at_rest() != at || hub_.phase_ != phase::stopped || !out.ok()) return;
        const auto state = read_state(out.result);
        if (!state || !state->running) return suspected_.reset();
        if (std::exchange(suspected_, at) == at) took_over(std::nullopt);
    });
}

void hub_outsiders::judge(rpc_outcome out) {
    if (out.lost) return;
    const bool had_exited = hub_.phase_ == phase::exited;
    if (!out.ok()) {
        // What it says of an end, `Command` says too: whoever asks next is told of it in the usual way.
        if (!had_exited && out.error.starts_with("Process ")) took_over(std::move(out));
        return;
    }
    const auto state = read_state(out.result);
    if (!state || (had_exited && state->exited)) return;
    if (state->running) return took_over(std::nullopt);
    if (had_exited || state->exited || moved(*state)) return took_over(std::move(out));
    look_at_breakpoints();
}

bool hub_outsiders::moved(const target_state& now) {
    const auto& then = hub_.stop_.state;
    if ((then.pid != 0 && now.pid != then.pid) || now.goroutine() != then.goroutine() || places(now) != places(then)) return true;
    // Once around a loop, and it stands where it stood.
    const auto at = quiet();
    const auto hits = hits_in(now);
    const bool more = hits_ && at == hits_->first && hits > hits_->second;
    if (at) hits_.emplace(*at, hits);
    return more;
}

// It runs, or has run and is at rest again: everybody is told of both.
void hub_outsiders::took_over(std::optional<rpc_outcome> rest) {
    component_log(hub_.name_).warn("{} runs or has run the program", outsider);
    hub_.run_ = {};
    hub_.run_.by = outsider;
    hub_.run_.outside = true;
    hub_.run_.settled = true;
    hub_.run_.since = std::chrono::system_clock::now();
    hub_.phase_ = phase::running;
    hub_.remember_told();
    hub_.motion_ = hub::motion::free;
    hub_.at_entry_ = false;
    hub_.hits_.clear();
    hub_.budget_.runs();
    hub_.park_.runs(std::string(outsider));
    hub_.tell_all([](viewer& v) { v.on_moving(); });
    hub_.tell_running(std::string(outsider), nullptr);
    hub_.refuse_looks_in_turn();
    if (rest) {
        hub_.run_.returned = std::move(rest);
        return hub_.maybe_conclude();
    }
    hub_.door_->call("RPCServer.State", "{\"NonBlocking\":false}", [this, generation = hub_.generation_](rpc_outcome out) {
        if (generation != hub_.generation_) return;
        hub_.run_.returned = std::move(out);
        hub_.maybe_conclude();
    });
    hub_.pump();
}

// --- breakpoints ------------------------------------------------------------------------------------------------

void hub_outsiders::look_at_breakpoints() {
    const auto at = quiet();
    if (!at || hub_.phase_ != phase::stopped) return;
    if (!lists_) {
        lists_ = std::make_unique<rpc_channel>(hub_.context_, hub_.route_, [this](const std::string&) {
            // Nothing depends on it: the next look has another.
            if (lists_) boost::asio::post(hub_.context_, [old = std::shared_ptr<rpc_channel>(std::move(lists_))] {});
        });
    }
    if (lists_->pending() > 0) return;
    lists_->call("RPCServer.ListBreakpoints", "{\"All\":false}", [this, at](rpc_outcome out) {
        if (!out.ok() || quiet() != at) return;
        const auto list = parsed(out);
        std::set<std::int64_t> there, known;
        for (const auto& b : breakpoints_in(list))
            if (const auto id = b.get_int("id"); id > 0) there.insert(id);
        for (const auto& [id, site] : hub_.breakpoints_.sites()) known.insert(id);
        if (there == known) return;
        hub_.jobs_.push_back({nullptr, hub::job::when::stopped, [this] { return reconcile(); }, [](const std::string&) {}, nullptr});
        hub_.pump();
    });
}

// What of ours has vanished is set again, what a stranger has set is nobody's.
boost::asio::awaitable<void> hub_outsiders::reconcile() {
    auto& h = hub_;
    const auto generation = h.generation_;
    co_await h.note_breakpoints(*h.door_);
    if (generation != h.generation_) co_return;
    const auto list = protocol::parse_json(h.breakpoint_list_, {.max_depth = 512, .fold_keys = false});
    if (!list) co_return;
    std::map<std::int64_t, json> there;
    for (const auto& b : breakpoints_in(*list))
        if (const auto id = b.get_int("id"); id > 0) there[id] = b;
    std::vector<std::int64_t> vanished;
    for (const auto& [id, site] : h.breakpoints_.sites())
        if (!there.contains(id)) vanished.push_back(id);
    std::vector<std::string> again, gone, strange;
    for (const auto id : vanished) {
        const auto* site = h.breakpoints_.site(id);
        if (!site) continue;
        std::vector<std::string> names;
        for (const auto wish : site->wishes)
            if (const auto* w = h.breakpoints_.find(wish); w && !w->user.empty()) names.push_back(place_of(*w) + " of " + w->user);
        if (names.empty() || site->watches) {
            h.forget_site(id, "cleared by somebody outside delvegate");
            gone.insert(gone.end(), names.begin(), names.end());
            continue;
        }
        auto settings = h.breakpoints_.settings(*site);
        const auto addresses = site->addresses;
        auto made = co_await h.create_at(addresses, settings);
        if (generation != h.generation_) co_return;
        if (made.id == 0) {
            // Where the program has ended meanwhile it is wanted of the next one.
            rpc_outcome out;
            const auto state = co_await h.ask_state(out, true);
            if (generation != h.generation_ || !state || state->exited) co_return;
            h.forget_site(id, "cleared by somebody outside delvegate, and it could not be set again");
            gone.insert(gone.end(), names.begin(), names.end());
            continue;
        }
        std::vector<breakpoint_site> by;
        by.push_back(std::move(made));
        h.breakpoints_.replace(id, std::move(by));
        again.insert(again.end(), names.begin(), names.end());
    }
    for (const auto& [id, b] : there)
        if (!h.breakpoints_.site(id)) strange.push_back(std::string(b.get_string("file")) + ":" + std::to_string(b.get_int("line")));
    h.put_strangers(there);
    co_await h.note_breakpoints(*h.door_);
    if (generation != h.generation_) co_return;
    const auto tell = [&h](const std::string& text) {
        component_log(h.name_).warn("{}", protocol::printable(text));
        h.notice(text, [](const viewer&) { return true; });
    };
    const std::string who(outsider);
    if (!again.empty()) tell(who + " cleared what is set again: " + joined(again) + ".");
    if (!gone.empty()) tell(who + " cleared " + joined(gone) + ".");
    if (!strange.empty()) tell(who + " set " + joined(strange) + "; it is nobody's here.");
}

// --- halts ------------------------------------------------------------------------------------------------------

// At rest, and nobody here has asked for it.
bool hub::halted_outside(const target_state& state, const std::string& error, bool passes) const {
    if (!settings_.outsiders || run_.outside || run_.kind == run_kind::call || !error.empty() || passes) return false;
    if (run_.halted_by_person || run_.halted_by_hub || stands_at_breakpoint(state)) return false;
    if (!state.stop_reason.empty()) return state.stop_reason == "manual";
    // Delve before 1.26.1 does not say why it stands. What is left of a step may have come to its end.
    return run_.kind == run_kind::step ? state.next_in_progress : !run_.steps && !state.watch_out_of_scope;
}

}  // namespace gateway
