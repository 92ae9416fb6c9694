// What the web page shows to somebody, by the policy of now.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/endpoints.h"
#include "gateway/permissions.h"
#include "gateway/time_left.h"

namespace gateway {

// {"you":{"user","certificateEnds","certificateWarning","audit"},"gateway":{"certificateEnds","certificateWarning"},"components":[…],
// "sessions":[…]}: of components that they may observe; null: there is none. A component is as in /v1/sessions, with `kind`, `stopBudget`, `launcher`, `breakpoints` (whose, and where) and `may`:
// which of the page's actions the policy gives them there, and `audit`, where they may see that (of the gateway itself: `audit` of `you`).
// Who has `lifecycle` at a component is told of its sessions when their certificates end, and whether that is soon. With `left_out` it lacks what is another at each look and no news, how far a stop budget has counted: for comparing.
enum class counted : std::uint8_t { shown, left_out };
protocol::json page_view(const auth::identity& who, const endpoints& components, const permissions& rights,
                         const std::optional<lifetime>& own_certificate, counted what_counts);

// Whether somebody may follow the audit of that component: `lifecycle` there, and it is shown to them. Of the gateway itself, where the name is empty
// or no component has it: the same at each one there is.
bool may_see_audit(const auth::identity& who, std::string_view component, const endpoints& components, const permissions& rights);

}  // namespace gateway
