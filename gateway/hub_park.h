// A stop that is held on purpose (design §5.8): who holds it, with what note, until when; and the names of stops, by which a
// colleague is led to one.
//
// It ends when the program runs, whoever lets it, or when its time is over: then the stop budget goes on where it was,
// which resumes the program if it is used up by then. Whoever may run the target may end it, and nobody has to.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/baton.h"
#include "protocol/json.h"

namespace gateway {

class hub;

class hub_park {
public:
    // `longest`: what the component allows; 0: nothing.
    hub_park(hub& of, std::chrono::milliseconds longest);

    struct order {
        person by;
        std::string note;                     // one line, at most 512 bytes
        std::chrono::seconds time{0};         // 0: the longest there is
        std::string stop;                     // filled in: its name
    };
    using told = baton::told;
    using on_told = std::function<void(const told&)>;  // once, at once or later; never when the hub is gone before

    // Where something outlives the gateway (the guard), it is asked first, and its word on the time counts instead of
    // `longest`. `done` gets until when, or why not.
    using kept = std::function<void(const launcher::outcome<std::chrono::system_clock::time_point>&)>;
    std::function<void(const order&, kept)> keeper;

    // The caller has been judged: control. `rules`: they have lifecycle, and need no baton.
    void park(const order& what, bool rules, on_told done);
    // Ends it: the program goes on. Without a park it is refused.
    void unpark(const person& by, bool rules, const on_told& done);
    // Somebody else keeps one of this stop, from before the gateway came: it is taken over as it is.
    void adopt(const std::string& by, std::string note, std::string stop, std::chrono::system_clock::time_point until);

    // --- the hub says what the target does ----------------------------------------------------------
    void runs(std::string_view by);
    void forget();  // there is no such stop any more

    bool holds() const { return held_.has_value(); }
    // "17-3f9c" of the stop in which it stands.
    std::string name() const;
    // Of the stop that somebody comes for: that it stands, with its note, or where the program is now. One line.
    std::string words_of(std::string_view stop) const;
    // "parked by alice until … (stop 17-3f9c): NOTE"; empty: it is not.
    std::string words() const;
    // {"by","note","since","until","stop"}; null: it is not.
    protocol::json describe() const;

    static constexpr std::size_t max_note = 512;  // bytes

private:
    struct state {
        std::string by, note;
        std::chrono::system_clock::time_point since, until;
        std::string stop;
        std::chrono::steady_clock::time_point first;  // when the first park of this stop began
    };
    std::string refusal(const person& by, bool rules) const;
    void hold(const order& what, std::chrono::system_clock::time_point until);
    void tell(const std::string& text);
    void over();

    hub& hub_;
    const std::chrono::milliseconds longest_;
    const std::string mark_;  // 4 hex digits of this session
    std::optional<state> held_;
    bool ran_ = false;  // since dlv was attached to: what was parked before is over
    boost::asio::steady_timer timer_;
};

// Of what a person has written: one line that can be shown. Nothing: it is no note.
std::optional<std::string> read_note(std::string_view text);
// "90s", "10m"; 0 for an empty text. Nothing: it is no time from 1 s to 7 days.
std::optional<std::chrono::seconds> read_park_time(std::string_view text);

}  // namespace gateway
