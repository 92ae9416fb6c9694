#include "launcher/guard_deeds.h"

#include <algorithm>
#include <utility>

namespace launcher {

namespace {

using protocol::json;
using seen = budget_clock::seen;

// A halt may be swallowed (facts of Delve: one that races a resume); then another connection sends it again.
constexpr guard_deeds::time halt_again{250};
constexpr std::size_t most_spare = 8;
constexpr guard_deeds::time patience{60'000};

json::array breakpoints_in(const json& list) {
    const auto* all = list.find("Breakpoints");
    const auto* items = all ? all->if_array() : nullptr;
    json::array own;
    // Below zero are Delve's own two, which stop a dying program.
    for (const auto& b : items ? *items : json::array{})
        if (b.get_int("id") > 0) own.push_back(b);
    return own;
}

// As it may be given back to Delve. The commands would run on a colleague's workstation.
json written(const json& breakpoint, bool disabled) {
    json b = breakpoint;
    if (auto* members = b.if_object())
        std::erase_if(*members, [](const json::member& m) {
            return protocol::fold_equal(m.first, "customCommands") || m.first == "how";
        });
    b.set("disabled", disabled);
    return b;
}

std::string amendment(const json& breakpoint, bool disabled) {
    json in = json::object{};
    in.set("Breakpoint", written(breakpoint, disabled));
    return to_text(in);
}

std::string by_id(std::int64_t id) { return "{\"Id\":" + std::to_string(id) + "}"; }

}  // namespace

guard_deeds::guard_deeds(const dlv_address& address, json::array& taken, std::function<void()> journal)
    : address_(address), taken_(taken), journal_(std::move(journal)) {}

std::vector<dlv_line*> guard_deeds::lines() {
    std::vector<dlv_line*> all{&ask_, &door_};
    for (auto& s : spare_) all.push_back(s.get());
    return all;
}

bool guard_deeds::make_ready(dlv_line& line) {
    if (line.is_open()) return true;
    if (&line == &door_) continue_open_ = false;
    return line.open(address_).has_value();
}

void guard_deeds::begin(deed what, time now, on_done done) {
    doing_ = what;
    done_ = std::move(done);
    step_ = step::standing;
    sight_.reset();
    ran_ = false;
    changes_.clear();
    trouble_.clear();
    halted_at_ = time(0);
    give_up_ = now + patience;
}

void guard_deeds::saw(seen what) { sight_ = what; }

void guard_deeds::work(time now) {
    if (!doing_) return;
    if (now >= give_up_) {
        finish("dlv did not do it in time");
        // What it may still answer is not for the next deed.
        for (auto* line : lines()) line->close("given up");
        return;
    }
    if (sight_ == seen::exited) return finish({});
    if (sight_ == seen::running && *doing_ == deed::on_where_it_stands) {
        finish("it runs again");
        return door_.close("it runs again");  // what it may still answer is not for the next deed
    }
    // Also when somebody has let it go again in the middle of it.
    if (sight_ == seen::running && step_ != step::letting_go && step_ != step::resumed) {
        ran_ = ran_ || step_ == step::standing;
        return halt(now);
    }
    if (step_ == step::standing && sight_ == seen::stopped) return stands();
    if (step_ == step::letting_go) let_go();
}

void guard_deeds::halt(time now) {
    if (halted_at_ != time(0) && now - halted_at_ < halt_again) return;
    halted_at_ = now;
    dlv_line* line = ask_.pending() == 0 ? &ask_ : nullptr;
    for (auto& s : spare_)
        if (!line && s->pending() == 0) line = s.get();
    if (!line) {
        if (spare_.size() >= most_spare) return;
        line = spare_.emplace_back(std::make_unique<dlv_line>()).get();
    }
    if (!make_ready(*line)) return;
    ++halts_open_;
    line->call("RPCServer.Command", "{\"name\":\"halt\"}", [this](const reply&) { --halts_open_; });
}

void guard_deeds::stands() {
    if (!make_ready(door_)) return;
    if (*doing_ == deed::keep) {
        step_ = step::letting_go;
        return;
    }
    step_ = step::asking;
    // A step that somebody began must not end somewhere later.
    if (!switches_on()) door_.call("RPCServer.CancelNext", "{}", [](const reply&) {});
    door_.call("RPCServer.ListBreakpoints", "{\"All\":false}", [this](const reply& list) { listed(list); });
}

void guard_deeds::listed(const reply& list) {
    if (!doing_ || step_ != step::asking) return;
    if (!list) {
        trouble_ = "dlv did not list its breakpoints: " + list.error();
        step_ = step::letting_go;
        return;
    }
    const auto breakpoints = breakpoints_in(*list);
    step_ = step::changing;
    if (switches_on())
        plan_on(breakpoints);
    else
        plan_off(breakpoints);
    next_change();
}

void guard_deeds::plan_off(const json::array& breakpoints) {
    const bool clear = *doing_ == deed::clear;
    for (const auto& b : breakpoints) {
        const auto id = b.get_int("id");
        const auto take_away = [this, id] {
            door_.call("RPCServer.ClearBreakpoint", by_id(id), [this](const reply& done) {
                if (!done) trouble_ = "a breakpoint could not be cleared: " + done.error();
                next_change();
            });
        };
        if (clear) {
            changes_.push_back(take_away);
            continue;
        }
        if (b.get_bool("disabled")) continue;
        forget(id);
        json kept = b;
        kept.set("how", "off");
        taken_.push_back(std::move(kept));
        changes_.push_back([this, id, b, take_away] {
            door_.call("RPCServer.AmendBreakpoint", amendment(b, true), [this, id, take_away](const reply& done) {
                if (done) return next_change();
                // Delve does not amend a breakpoint with a name that DAP gave it, nor a watchpoint.
                for (auto& t : taken_)
                    if (t.get_int("id") == id) t.set("how", "cleared");
                journal_();
                take_away();
            });
        });
    }
    if (clear) taken_.clear();
    journal_();
}

void guard_deeds::plan_on(const json::array& breakpoints) {
    for (const auto& t : json::array(taken_)) {
        const auto id = t.get_int("id");
        const auto now = std::ranges::find_if(breakpoints, [&](const json& b) { return b.get_int("id") == id; });
        const bool cleared = t.get_string("how") == "cleared";
        if (!cleared && (now == breakpoints.end() || !now->get_bool("disabled"))) {
            forget(id);  // somebody has cleared it, or switched it on
            continue;
        }
        std::string text = cleared ? std::string() : amendment(*now, false);
        if (cleared) {
            json b = written(t, false);
            std::erase_if(*b.if_object(), [](const json::member& m) { return m.first == "id"; });
            json in = json::object{};
            in.set("Breakpoint", std::move(b));
            text = to_text(in);
        }
        changes_.push_back([this, id, cleared, text] {
            door_.call(cleared ? "RPCServer.CreateBreakpoint" : "RPCServer.AmendBreakpoint", text,
                       [this, id](const reply& done) {
                           if (done)
                               forget(id);
                           else
                               trouble_ = "a breakpoint could not be switched on: " + done.error();
                           next_change();
                       });
        });
    }
}

void guard_deeds::forget(std::int64_t id) {
    std::erase_if(taken_, [id](const json& t) { return t.get_int("id") == id; });
}

void guard_deeds::next_change() {
    if (!doing_ || step_ != step::changing) return;
    if (changes_.empty()) {
        journal_();
        step_ = step::letting_go;
        return;
    }
    const auto change = std::move(changes_.front());
    changes_.pop_front();
    change();
}

void guard_deeds::let_go() {
    if (switches_on() && !ran_) return finish(trouble_);
    // A halt, or a resume, that is still on its way would come after this resume.
    if (halts_open_ > 0 || continue_open_) return;
    if (!make_ready(door_)) return;
    continue_open_ = true;
    door_.call("RPCServer.Command", R"({"name":"directionCongruentContinue"})",
               [this](const reply& done) {
                   continue_open_ = false;
                   program_gone_ = !done && done.error().find("no such process") != std::string::npos;
               });
    // Delve reads this when the program has been resumed.
    door_.call("RPCServer.IsMulticlient", "{}", [this](const reply& done) {
        finish(done ? trouble_ : "dlv was lost while the program was resumed: " + done.error());
    });
    step_ = step::resumed;
}

void guard_deeds::finish(const std::string& error) {
    if (!doing_) return;
    doing_.reset();
    const auto done = std::exchange(done_, nullptr);
    if (done) done(error);
}

}  // namespace launcher
