// What runs without leader election because of us is out only as long as it is alone.
#include "launcher/engine_run.h"
#include "launcher/leadership.h"
#include "launcher/plan_store.h"

namespace launcher {

outcome<void> engine::run::watch_leaders(const detachment& row) {
    if (here.leaders_session != row.id) {
        std::shared_ptr<leader_watch> made;
        const auto plan = stored_plan(of.configuration_.state_directory, row.id);
        here.leaders_tolerated = !plan || !plan->alone || plan->alone->tolerated;
        if (plan && plan->alone)
            made = std::make_shared<leader_watch>([look = api_of(definition, of.configuration_), which = *plan->alone]() mutable {
                return other_instances(look, which, now().wall);
            });
        const std::lock_guard lock(of.places_lock_);
        here.leaders_session = row.id;
        here.leaders = std::move(made);
        here.leaders_warning.clear();
    }
    if (!here.leaders) return {};
    here.leaders->tend();
    {
        const std::lock_guard lock(of.places_lock_);
        here.leaders_warning = here.leaders->warning();
    }
    // The original, with its election on, waits for its turn.
    if (here.leaders->two() && !here.leaders_tolerated)
        return "it is put back: " + here.leaders->warning();
    return {};
}

}  // namespace launcher
