// What is remembered of a component's session beyond the gateway's end: who wants which breakpoints, who has the baton. The
// hub tells it after whatever may have changed; only what is another than before is written (session_journal.h).
//
// Only for components whose dlv outlives the gateway.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gateway/baton.h"
#include "gateway/breakpoint_board.h"
#include "gateway/session_journal.h"

namespace gateway {

// One person, whatever they connect with.
std::string person_key(const auth::identity& who);

class session_memory {
public:
    session_memory(std::string file, std::string name) : journal_(std::move(file), std::move(name)) {}

    session_journal& journal() { return journal_; }

    using holder = std::pair<person, std::chrono::system_clock::time_point>;  // and since when
    // What an earlier gateway knew.
    struct past {
        std::vector<breakpoint_wish> wishes;
        std::vector<breakpoint_site> sites;
        std::vector<std::int64_t> was_here;  // wishes whose owner was connected
        std::optional<breakpoint_wish> setting;  // one that dlv may have been asked for, or not
        std::int64_t pid = 0;                    // of the program; 0: not known
        std::optional<holder> baton;
    };
    past recall();

    // `setting`: what recall() said, as long as nobody knows whether dlv has it. `ending`: whoever was here stays so.
    void keep(const breakpoint_board& board, std::int64_t pid, const std::optional<breakpoint_wish>& setting, bool ending);
    void keep_program(std::int64_t pid);
    // What the program stands at, and which people were told of it (person_key). An empty mark: it does not stand.
    struct known_stop {
        std::string mark;
        std::set<std::string> told;
    };
    void keep_stop(const known_stop& stop);
    known_stop stop() const;
    // dlv is about to be asked for it, and may have it until keep() is called.
    void is_setting(const breakpoint_wish& wish);
    void keep_baton(const std::optional<holder>& baton);

private:
    session_journal journal_;
};

}  // namespace gateway
