// Looks: who drives comes first, the same look is asked once per stop; and who is told of things at once, and who in turn.
#include <algorithm>
#include <utility>

#include "gateway/hub.h"
#include "gateway/hub_looks.h"

namespace gateway {

namespace {
look_desk::clock::time_point now_there() { return look_desk::clock::now(); }
}  // namespace

// Who ran it last and may go on; else whoever has the baton.
bool hub::drives(const viewer& v) const {
    if (viewers_.size() == 1) return true;
    if (&v == run_.runner) {
        const auto& holder = baton_.holder();
        return !holder || person_of(v.who().who) == *holder;
    }
    const auto& holder = baton_.holder();
    if (!holder || (run_.runner && person_of(run_.runner->who().who) == *holder)) return false;
    return person_of(v.who().who) == *holder;
}

void hub::look(viewer& v, std::function<void()> go, std::function<void(std::string)> refused) {
    if (phase_ != phase::stopped) return refused(gone_reason());
    if (v.may_run()) baton_.seen(person_of(v.who().who));
    const bool mine = drives(v);
    if (looks_admitted() && desk_.admits(mine, now_there())) {
        desk_.begin(v, mine);
        return go();
    }
    desk_.wait({&v, std::move(go), std::move(refused), now_there()});
    // Nobody waits for who reads slowly.
    hurry_looks();
    if (looks_admitted()) watch_desk();
}

bool hub::looks_admitted() const { return motion_ == motion::still && !job_active_ && jobs_.empty(); }

void hub::end_look(const viewer* v) {
    if (desk_.in_flight() == 0) return;  // dlv went away meanwhile
    desk_.end(v, now_there());
    if (desk_.in_flight() == 0 && !jobs_.empty()) return pump();
    if (desk_.waits()) turns_.later(nullptr, [this] { pump(); });
}

void hub::release_looks() {
    if (!desk_.waits()) return;
    if (phase_ != phase::stopped) return refuse_looks(gone_reason());
    // Each may end at once, where its answer is known: then there is room for the next.
    const auto drive = [this](const viewer& v) { return drives(v); };
    for (std::size_t n = 0; n < 4 && looks_admitted(); ++n) {
        auto next = desk_.next(drive, now_there());
        if (!next) return watch_desk();
        next->go();
    }
    if (desk_.waits() && looks_admitted()) turns_.later(nullptr, [this] { pump(); });
}

// While dlv runs nobody looks, and the others are told what they have not been told yet. A few cost who drives next to nothing.
std::optional<fair_turns::clock::time_point> hub::others_wait(fair_turns::clock::time_point since) const {
    constexpr std::size_t a_few = 16;
    if (phase_ != phase::stopped || viewers_.size() <= a_few) return std::nullopt;
    return desk_.hold(since, now_there());
}

// Some wait only for who drives.
void hub::watch_desk() {
    const auto when = desk_.later(now_there());
    if (!when) return;
    desk_timer_.expires_at(*when);
    desk_timer_.async_wait([this](error_code ec) {
        if (!ec) pump();
    });
}

void hub::refuse_looks(const std::string& reason) {
    for (auto& r : desk_.take(nullptr)) r.refused(reason);
}

// As the target goes on: those that run it are not kept from it by words for the others.
void hub::refuse_looks_in_turn() {
    for (auto& r : desk_.take(nullptr))
        turns_.later(r.v, [refused = std::move(r.refused), reason = running_words()] { refused(reason); });
}

// Somebody waits while replies are still on their way: nobody waits for who reads slowly.
void hub::hurry_looks() {
    if (desk_.in_flight() == 0) return;
    tell_all([this](viewer& v) {
        if (desk_.in_flight() > 0) v.read_on();
    });
}

// --- the same look ------------------------------------------------------------------------------------

void hub::rpc_look(viewer& v, std::string_view method, std::string params, reply_sink& sink,
                   std::function<void(std::string)> refused) {
    // Alone one is asked for nothing twice but by oneself, who means it.
    const bool shared = viewers_.size() > 1 && look_answers::shareable(method);
    auto key = shared ? std::string(method) + ' ' + params : std::string();
    if (shared && phase_ == phase::stopped && looks_admitted())
        if (const auto known = answers_.find(key)) {
            if (v.may_run()) baton_.seen(person_of(v.who().who));
            sink.piece(*known, true);
            return;
        }
    look(
        v,
        [this, &v, method = std::string(method), params = std::move(params), &sink, key = std::move(key), refused] {
            ask_slot({&v, method, params, &sink, key, refused});
        },
        refused);
}

// What has been let through to dlv.
void hub::ask_slot(queued_look q) {
    if (!q.key.empty()) {
        if (const auto known = answers_.find(q.key)) {
            desk_.end(q.v, now_there());
            q.sink->piece(*known, true);
            return;
        }
        if (answers_.is_asked(q.key)) {
            auto* v = q.v;
            const auto key = q.key;
            auto refused = q.refused;
            answers_.wait(key, {v, [this, q = std::move(q)] { rpc_look(*q.v, q.method, q.params, *q.sink, q.refused); }, std::move(refused)});
            return desk_.end(v, now_there());
        }
        answers_.asked(q.key);
    }
    queued_looks_.push_back(std::move(q));
    start_waiting_looks();
}

void hub::ask_again(std::vector<look_answers::waiter> waiting) {
    for (auto& w : waiting)
        turns_.later(w.v, [this, w = std::move(w), number = stops_] {
            if (number == stops_ && phase_ == phase::stopped) return w.again();
            w.refused(phase_ == phase::stopped ? moved_words() : gone_reason());
        });
}

// --- telling ------------------------------------------------------------------------------------------

// Only the first time counts: what is said later of the same stop makes it no news.
void hub::tell(const viewer& v) {
    auto* e = find(v);
    const auto number = told_as_ ? told_as_ : stops_;
    if (!e || e->told >= number) return;
    e->told = number;
    e->told_by = v.said();
    if (!v.speaks_dap()) remember_told();
}

// What it has not been told yet, for the others come first, an IDE is told before that counts as told.
void hub::catch_up(const viewer& v) {
    turns_.hurry(v);
    tell(v);
}

// Who drives at once, the others in turn. Each is told of every stop, and in order.
void hub::tell_running(const std::string& by, const viewer* runner) {
    for (auto* v : everybody())
        if (v != runner && v->speaks_dap())
            turns_.later(v, [v, by, runner] { v->on_running(by, runner); }, true);
}

std::vector<viewer*> hub::everybody() const {
    std::vector<viewer*> all;
    for (auto& e : viewers_) all.push_back(e.v);
    return all;
}

void hub::tell_stop(viewer& v, const std::shared_ptr<const stop>& at, const std::vector<waiter>& due) {
    told_as_ = at->number;
    for (const auto& w : due) {
        if (!find(v)) break;
        w.end({.error = w.v != at->runner ? std::string{} : at->error.empty() ? at->why : at->error, .state = at->state.text, .stop = at.get()});
        // To a DAP client its answer says nothing of the stop; the event does.
        if (find(v) && !v.speaks_dap()) tell(v);
    }
    if (const auto* e = find(v); e && (e->told < at->number || &v == at->runner)) v.on_stop(*at);
    told_as_ = 0;
}

void hub::tell_of_stop() {
    auto due = std::exchange(waiters_, {});
    const auto at = std::make_shared<const stop>(stop_);
    desk_.expect(now_there());
    const auto told = [&](viewer& v) {
        std::vector<waiter> mine;
        std::copy_if(due.begin(), due.end(), std::back_inserter(mine), [&](const waiter& w) { return w.v == &v; });
        return mine;
    };
    std::vector<viewer*> later;
    for (auto* v : everybody()) {
        if (!find(*v)) continue;
        if (v == run_.runner || drives(*v))
            tell_stop(*v, at, told(*v));
        else
            later.push_back(v);
    }
    for (auto* v : later)
        if (find(*v)) turns_.later(v, [this, v, at, mine = told(*v)] { tell_stop(*v, at, mine); }, true);
}

}  // namespace gateway
